package webserver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/internal/errorlog"
	"weir/internal/testwait"
	"weir/stream"
	"weir/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// contentFunc is a function as content.
type contentFunc func(*web.Request) web.Outcome

func (f contentFunc) Serve(r *web.Request) web.Outcome { return f(r) }

// hello answers with a short text.
func hello(r *web.Request) web.Outcome { return r.Send(http.StatusOK, "text/plain", "hello") }

// A lease counts how often it is released.
type lease struct{ held atomic.Int64 }

func (l *lease) Release() { l.held.Add(-1) }

// A lines is a log target that keeps the lines.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) WriteLine(_ errorlog.Level, line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(line)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A rig is a Server on a socket, with one location.
type rig struct {
	*Server
	t      *testing.T
	addr   string
	listen *web.Listen
	lease  lease
	limit  atomic.Int64
	lines  lines
}

// newRig returns a rig after set has changed its listen.
func newRig(t *testing.T, content contentFunc, set ...func(*web.Listen)) *rig {
	t.Helper()
	r := &rig{t: t}
	r.limit.Store(1 << 20)
	log := errorlog.New(time.Now, 1)
	log.Add(errorlog.Info, &r.lines)
	at := &web.Location{Content: content, Files: content, ErrorLog: log, Settings: web.Settings{
		Product: web.Literal("nginx"), KeepaliveTimeout: time.Hour, KeepaliveRequests: 1000, SendTimeout: time.Minute,
		BodyTimeout: time.Minute, AbsoluteRedirect: true,
	}}
	r.listen = &web.Listen{Config: web.NewConfig(), Default: &web.Server{Base: at, HeaderTimeout: time.Minute, MergeSlashes: true}}
	env := &web.Env{Now: time.Now, NextID: func() uint64 { return 1 }, Log: log, Counters: &web.Counters{}}
	r.Server = NewHub(env, func() int { return int(r.limit.Load()) }).New(func() (*web.Listen, stream.Lease) {
		r.lease.held.Add(1)
		return r.listen, &r.lease
	})
	for _, f := range set {
		f(r.listen)
	}
	r.open()
	return r
}

// open makes the server accept on a new socket.
func (r *rig) open() {
	r.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	defer l.Close()
	r.addr = l.Addr().String()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	if err := r.Serve([]int{int(f.Fd())}); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		r.Shutdown()
		r.Abort(nil)
		r.until("all connections are closed", func() bool { return r.Counters().Active.Load() == 0 })
	})
}

// until waits for a condition.
func (r *rig) until(what string, holds func() bool) {
	r.t.Helper()
	testwait.Eventually(r.t, what, holds)
}

// A client is a connection to the rig.
type client struct {
	net.Conn
	*bufio.Reader
	t *testing.T
}

func (c *client) Read(b []byte) (int, error) { return c.Reader.Read(b) }

func (r *rig) dial() *client {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(testwait.Patience))
	return &client{c, bufio.NewReader(c), r.t}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads a response, and checks its status and its body.
func (c *client) expect(status int, body string) *http.Response {
	c.t.Helper()
	response, err := http.ReadResponse(c.Reader, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	got, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status || !strings.Contains(string(got), body) {
		c.t.Fatalf("got %d, %q, %v, want %d, %q", response.StatusCode, got, err, status, body)
	}
	return response
}

// ended checks that the connection ends without more data.
func (c *client) ended() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.Reader); len(rest) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		c.t.Fatalf("got %q, %v, want the end", rest, err)
	}
}

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

func TestPipelinedRequests(t *testing.T) {
	r := newRig(t, hello)
	c := r.dial()
	c.send(strings.Repeat(get, 3))
	for range 3 {
		if got := c.expect(200, "hello").Header.Get("Connection"); got != "keep-alive" {
			t.Errorf("got Connection: %s", got)
		}
	}
	r.until("the counters are right", func() bool {
		n := r.Counters()
		return n.Requests.Load() == 3 && n.Current.Load() == 0 && n.Accepted.Load() == 1 && n.Active.Load() == 1 && n.Idle() == 1
	})
	r.until("no generation is held", func() bool { return r.lease.held.Load() == 0 })
}

func TestIdleConnectionEnds(t *testing.T) {
	r := newRig(t, hello, func(l *web.Listen) { l.Default.Base.Settings.KeepaliveTimeout = time.Millisecond })
	c := r.dial()
	c.send(get)
	c.expect(200, "hello")
	c.ended()
}

func TestSlowHeaderEnds(t *testing.T) {
	r := newRig(t, hello, func(l *web.Listen) { l.Default.HeaderTimeout = time.Millisecond })
	c := r.dial()
	c.send("GET / HT")
	c.ended()
	r.until("no header is being read", func() bool { return r.Counters().Reading.Load() == 0 })
}

func TestSlowBodyEnds(t *testing.T) {
	failed := make(chan error, 1)
	r := newRig(t, func(r *web.Request) web.Outcome {
		_, err := io.ReadAll(r.Body().Body)
		failed <- err
		return web.Status(http.StatusRequestTimeout)
	}, func(l *web.Listen) { l.Default.Base.Settings.BodyTimeout = time.Millisecond })
	c := r.dial()
	c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
	if err := <-failed; err == nil {
		t.Error("a body that does not arrive is complete")
	}
	c.expect(408, "408 Request Time-out")
}

func TestWhatCannotBeParsedGetsNginxPages(t *testing.T) {
	r := newRig(t, hello)
	for text, want := range map[string]struct {
		status int
		body   string
	}{
		"\x00\x01\r\n\r\n":                  {400, "<h1>400 Bad Request</h1>"},
		"GET / HTTP/1.1\r\n\r\n":            {400, "<h1>400 Bad Request</h1>"},
		"GET / HTTP/7.1\r\nHost: x\r\n\r\n": {505, "<h1>505 HTTP Version Not Supported</h1>"},
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10):              {400, "Request Header Or Cookie Too Large"},
		"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n":                   {501, "<h1>501 Not Implemented</h1>"},
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n":                                {400, "<h1>400 Bad Request</h1>"},
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n":                    {400, "<h1>400 Bad Request</h1>"},
		"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n":                                        {400, "<h1>400 Bad Request</h1>"},
		"GET /../x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":                  {400, "<h1>400 Bad Request</h1>"},
		"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":                  {400, "<h1>400 Bad Request</h1>"},
		"TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":                    {405, "<h1>405 Not Allowed</h1>"},
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n": {400, "<h1>400 Bad Request</h1>"},
	} {
		c := r.dial()
		c.send(text)
		c.expect(want.status, want.body)
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	r := newRig(t, hello)
	r.limit.Store(2)
	for range 2 {
		c := r.dial()
		c.send(get)
		c.expect(200, "hello")
	}
	r.dial().ended()
	if n := r.Counters(); n.Accepted.Load() != 3 || n.Handled.Load() != 2 {
		t.Errorf("%d accepted, %d handled", n.Accepted.Load(), n.Handled.Load())
	}
	if !strings.Contains(r.lines.String(), "2 worker_connections are not enough") {
		t.Errorf("the log is %s", &r.lines)
	}
}

func TestManyIdleConnections(t *testing.T) {
	r := newRig(t, hello)
	var all []*client
	for range 1000 {
		all = append(all, r.dial())
	}
	r.until("all are accepted", func() bool { return r.Counters().Active.Load() == 1000 })
	last := all[len(all)-1]
	last.send(get)
	last.expect(200, "hello")
}

func TestProxyHeader(t *testing.T) {
	r := newRig(t, func(r *web.Request) web.Outcome {
		return r.Send(200, "", r.Conn.Proxy.Client+" "+r.Conn.Client.Host())
	}, func(l *web.Listen) { l.ProxyProtocol = true })
	c := r.dial()
	c.send("PROXY TCP4 192.0.2.1 192.0.2.2 ")
	c.send("1 2\r\n" + get + get)
	c.expect(200, "192.0.2.1 127.0.0.1")
	c.expect(200, "192.0.2.1 127.0.0.1")
	broken := r.dial()
	broken.send(get)
	broken.ended()
	if !strings.Contains(r.lines.String(), "broken header: \"GET / HTTP/1.1\" while reading PROXY protocol, client: 127.0.0.1, server: ") {
		t.Errorf("the log is %s", &r.lines)
	}
}

func TestShutdownLetsRequestsEnd(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	r := newRig(t, func(r *web.Request) web.Outcome {
		entered <- true
		<-leave
		return hello(r)
	})
	c, idle := r.dial(), r.dial()
	idle.send(get)
	<-entered
	leave <- true
	idle.expect(200, "hello")
	c.send(get)
	<-entered
	r.Shutdown()
	idle.ended()
	leave <- true
	c.expect(200, "hello")
	c.ended()
}

func TestAbortClosesRequestsOfAConfig(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	r := newRig(t, func(r *web.Request) web.Outcome {
		entered <- true
		<-leave
		return hello(r)
	})
	c := r.dial()
	c.send(get)
	<-entered
	other := web.NewConfig()
	r.Abort(func(config *web.Config) bool { return config == other })
	r.Abort(func(config *web.Config) bool { return config == r.listen.Config })
	c.ended()
	leave <- true
	r.until("the request has ended", func() bool { return r.Counters().Current.Load() == 0 })
}

// statuses keeps the statuses of the requests that are logged.
type statuses chan int

func (s statuses) Log(r *web.Request) { s <- r.StatusCode() }

// TestPanicEndsOneRequest checks that a panic is logged as status 500 and in one message, closes its connection
// without a response, and leaves other connections alone.
func TestPanicEndsOneRequest(t *testing.T) {
	logged := make(statuses, 3)
	r := newRig(t, func(r *web.Request) web.Outcome {
		if r.URI == "/broken" {
			panic("broken")
		}
		return hello(r)
	}, func(l *web.Listen) { l.Default.Base.Loggers, l.Default.Zone = []web.Logger{logged}, "z" })
	c, other := r.dial(), r.dial()
	other.send(get)
	other.expect(200, "hello")
	c.send("GET /broken HTTP/1.1\r\nHost: x\r\n\r\n")
	c.ended()
	other.send(get)
	other.expect(200, "hello")
	if got := [3]int{<-logged, <-logged, <-logged}; got != [3]int{200, 500, 200} {
		t.Errorf("got the statuses %v", got)
	}
	r.until("the request has ended", func() bool { return r.Counters().Current.Load() == 0 && r.lease.held.Load() == 0 })
	if n := strings.Count(r.lines.String(), "[alert]"); n != 1 || !strings.Contains(r.lines.String(), "[alert] 1#1: *1 panic: broken") {
		t.Errorf("%d alerts: %s", n, &r.lines)
	}
	if z := r.Counters().Servers.Get("z").Snapshot(); z.Processing != 0 || z.Requests != 3 || z.Classes[4] != 1 {
		t.Errorf("the zone has %+v", z)
	}
}

// TestPanicWithinAResponse checks a panic after the header was sent.
func TestPanicWithinAResponse(t *testing.T) {
	logged := make(statuses, 1)
	r := newRig(t, func(r *web.Request) web.Outcome {
		r.Writer.Header().Set("Content-Length", "9")
		r.Writer.Write([]byte("half"))
		http.NewResponseController(r.Writer).Flush()
		panic("broken")
	}, func(l *web.Listen) { l.Default.Base.Loggers = []web.Logger{logged} })
	c := r.dial()
	c.send(get)
	if got, _ := io.ReadAll(c.Reader); !strings.HasSuffix(string(got), "\r\n\r\nhalf") {
		t.Errorf("got %q", got)
	}
	if got := <-logged; got != 500 {
		t.Errorf("got the status %d", got)
	}
}

func TestAccessIsCheckedBeforeTheBody(t *testing.T) {
	r := newRig(t, func(*web.Request) web.Outcome { panic("not reached") },
		func(l *web.Listen) { l.Default.Base.Access = []web.Checker{refuse{}} })
	c := r.dial()
	c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n")
	c.expect(403, "<h1>403 Forbidden</h1>")
}

// refuse refuses everyone.
type refuse struct{}

func (refuse) Check(*web.Request) int { return http.StatusForbidden }

func TestPlainRequestToTLS(t *testing.T) {
	r := newRig(t, hello, func(l *web.Listen) { l.TLS = true })
	c := r.dial()
	c.send(get)
	c.expect(400, "The plain HTTP request was sent to HTTPS port")
	c.ended()
}

func TestHandshakeWithoutCertificateFails(t *testing.T) {
	r := newRig(t, hello, func(l *web.Listen) { l.TLS = true })
	c := tls.Client(r.dial(), &tls.Config{ServerName: "x", RootCAs: x509.NewCertPool()})
	if err := c.HandshakeContext(context.Background()); err == nil {
		t.Error("the handshake succeeds")
	}
}

func TestRefusalNamesNginx(t *testing.T) {
	page := refusal(append([]byte("HTTP/1.1 400 Bad Request: x\r\n"), refusalHeader...), false)
	if want := fmt.Sprintf("Server: nginx/%s\r\n", stream.NginxVersion); !bytes.Contains(page, []byte(want)) {
		t.Errorf("got %s", page)
	}
	if page := refusal([]byte("HTTP/1.1 400 Bad Request\r\n"), true); page != nil {
		t.Errorf("encrypted data is replaced by %s", page)
	}
}
