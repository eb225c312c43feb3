// Package webtest plays requests to a server of package web without sockets, for tests.
package webtest

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/errorlog"
	"weir/stream"
	"weir/web"
)

// A Server is a server with one location, to which others can be added. The fields are set before the first
// request.
type Server struct {
	*web.Server
	Vars   *web.VarTable
	Env    *web.Env
	Client stream.Addr // of the next connections

	t       testing.TB
	listen  *web.Listen
	resolve sync.Once
	log     lines
}

// New returns a Server whose location outside all others answers with its content.
func New(t testing.TB, content web.Content) *Server {
	t.Helper()
	s := &Server{t: t, Client: stream.Addr{IP: netip.MustParseAddrPort("192.0.2.1:1024")}}
	log := errorlog.New(time.Now, 1)
	log.Add(errorlog.Info, &s.log)
	s.Env = &web.Env{Now: time.Now, NextID: func() uint64 { return 1 }, Log: log, Counters: &web.Counters{}}
	base := &web.Location{ErrorLog: log, Content: content, Files: content, Settings: web.Settings{
		Product: web.Literal("nginx"), KeepaliveTimeout: time.Hour, KeepaliveRequests: 1000, LogNotFound: true,
	}}
	s.Server = &web.Server{Name: "x", Base: base, MergeSlashes: true}
	config := web.NewConfig()
	s.Vars = config.Vars
	s.listen = &web.Listen{Config: config, Default: s.Server}
	return s
}

// Prefixes adds a location for each prefix, with the settings that Base has now. set changes each of them.
func (s *Server) Prefixes(set func(*web.Location), names ...string) {
	var all []*web.Location
	for _, name := range names {
		at := *s.Base
		at.Kind, at.Name = web.Prefix, name
		set(&at)
		all = append(all, &at)
	}
	s.Locations = web.NewLocations(all)
}

// Template compiles text with the variables of the server.
func (s *Server) Template(text string) web.Template {
	s.t.Helper()
	t, err := web.ParseTemplate(text, s.Vars)
	if err != nil {
		s.t.Fatal(err)
	}
	return t
}

// A Response is the response to a request.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Get returns the first header of that name, in whatever case, or "".
func (r *Response) Get(name string) string {
	for key, values := range r.Header {
		if strings.EqualFold(key, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// Do plays a request with those header lines. The method may be followed by a space and the target; it is GET if
// line is the target alone.
func (s *Server) Do(line string, headers ...string) *Response {
	s.t.Helper()
	s.resolve.Do(func() {
		if unknown := s.Vars.Resolve(); len(unknown) > 0 {
			s.t.Fatalf("unknown variables: %q", unknown)
		}
	})
	if strings.HasPrefix(line, "/") {
		line = "GET " + line
	}
	text := line + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(append(headers, "\r\n"), "\r\n")
	h, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		s.t.Fatal(err)
	}
	c := &web.Conn{
		ID: 1, Client: s.Client, Local: stream.Addr{IP: netip.MustParseAddrPort("192.0.2.100:80")},
		ReadWithin: func(time.Duration) {}, WriteWithin: func(time.Duration) {}, IdleFor: func(time.Duration) {},
	}
	w := httptest.NewRecorder()
	web.Serve(s.Env, s.listen, c, w, h.WithContext(s.t.Context()))
	return &Response{w.Code, w.Header(), w.Body.String()}
}

// Logged returns the lines of the error log since the last call.
func (s *Server) Logged() string { return s.log.take() }

// lines is a log target that keeps the lines.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

// WriteLine implements errorlog.Target.
func (l *lines) WriteLine(_ errorlog.Level, line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(line)
}

func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	l.text.Reset()
	return text
}
