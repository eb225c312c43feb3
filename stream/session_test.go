package stream_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/stream"
	"weir/stream/offline"
)

// handler is a stream.Handler from a function.
type handler func(*stream.Session) (stream.Verdict, error)

func (h handler) Handle(s *stream.Session) (stream.Verdict, error) { return h(s) }

// wanting is a preread handler that asks for more until it has n bytes, and then returns its
// verdict.
func wanting(n int, verdict stream.Verdict) handler {
	return func(s *stream.Session) (stream.Verdict, error) {
		if len(s.Head) < n {
			return stream.More, nil
		}
		return verdict, nil
	}
}

// waiting is a content that waits for any bytes of the client, and then finishes with 200.
type waiting struct{}

func (waiting) Begin(s *stream.Session) stream.Step {
	return stream.Step{Do: stream.Send, Out: s.Head}
}

func (waiting) Next(s *stream.Session, _ stream.Event) stream.Step { return s.Finish(stream.StatusOK) }

// listener returns an address with one server, which waits.
func listener() *stream.Listen {
	return &stream.Listen{Default: &stream.Server{
		Content:  waiting{},
		Settings: stream.Settings{PrereadBufferSize: 8, PrereadTimeout: 30 * time.Second, ProxyProtocolTimeout: 20 * time.Second},
	}}
}

// context is the end of the log lines of scripted sessions.
const context = ", client: 192.0.2.1, server: 192.0.2.100:1883"

// arrival is the first line of a session's log, after its number.
const arrival = "[info] *1 client 192.0.2.1:1000 connected to 192.0.2.100:1883"

// checkLog compares the lines of a session's log after the first.
func checkLog(t *testing.T, s *offline.Session, want ...string) {
	t.Helper()
	got := s.Lines.All()
	if len(got) == 0 || got[0] != arrival {
		t.Fatalf("got log %q, want it to begin with %q", got, arrival)
	}
	if !slices.Equal(got[1:], want) {
		t.Errorf("got log\n%s\nwant\n%s", strings.Join(got[1:], "\n"), strings.Join(want, "\n"))
	}
}

const signatureV2 = `\r\n\r\n\x00\r\nQUIT\n`

func TestSession(t *testing.T) {
	proxied := func(l *stream.Listen) { l.ProxyProtocol = true }
	prereading := func(n int, v stream.Verdict) func(*stream.Listen) {
		return func(l *stream.Listen) { l.Default.Handlers[stream.Preread] = []stream.Handler{wanting(n, v)} }
	}
	const reading, prereads = " while reading PROXY protocol" + context, " while prereading client data" + context
	tests := []struct {
		name   string
		change func(*stream.Listen)
		script string
		status stream.Status
		log    []string
	}{
		{"straight to the content", nil, `
			accepted -> send ""
			relayed  -> finish`, 200, nil},
		{"no content", func(l *stream.Listen) { l.Default.Content = nil }, `
			accepted -> finish`, 500, nil},

		{"PROXY header", proxied, `
			accepted -> read max=4096 within=20s
			bytes "PROXY TCP4 198.51.100.7 198.51.100.9 7000 1883\r\n" -> send ""
			relayed -> finish`, 200, nil},
		{"PROXY header and more", proxied, `
			accepted -> read max=4096 within=20s
			bytes "PROXY UNKNOWN\r\nhello" -> send "hello"
			relayed -> finish reset`, 200, nil},
		{"PROXY header of version 2", proxied, `
			accepted -> read max=4096 within=20s
			bytes "` + signatureV2 + `\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x00\x51x" -> send "x"
			relayed -> finish reset`, 200, nil},
		{"no PROXY header", proxied, `
			accepted -> read max=4096 within=20s
			bytes "hello\nthere" -> finish reset`, 400, []string{`[error] *1 broken header: "hello"` + reading}},
		{"a PROXY header in pieces", proxied, `
			accepted -> read max=4096 within=20s
			after 5s -> keep
			bytes "PROXY TCP4 198.51" -> read max=4079 within=15s
			after 5s -> keep
			bytes ".100.7 198.51.100.9 7000 1883\r" -> read max=4049 within=10s
			bytes "\nhello" -> send "hello"
			relayed -> finish reset`, 200, nil},
		{"a part of a PROXY header and the end", proxied, `
			accepted -> read max=4096 within=20s
			bytes "PROXY TCP4 198.51" -> read max=4079 within=20s
			eof -> finish reset`, 400, []string{`[error] *1 broken header: "PROXY TCP4 198.51"` + reading}},
		{"the rest of a PROXY header does not come in time", proxied, `
			accepted -> read max=4096 within=20s
			bytes "P" -> read max=4095 within=20s
			after 20s -> keep
			timedout -> finish reset`, 200, []string{`[info] *1 client timed out (110: Connection timed out)` + reading}},
		{"a PROXY header in pieces, then a preread", func(l *stream.Listen) {
			proxied(l)
			prereading(3, stream.Done)(l)
		}, `
			accepted -> read max=4096 within=20s
			after 5s -> keep
			bytes "PROXY UNKNOWN" -> read max=4083 within=15s
			bytes "\r\na" -> read max=7 within=30s
			bytes "bc" -> send "abc"
			relayed -> finish reset`, 200, nil},
		{"control characters for a PROXY header", proxied, `
			accepted -> read max=4096 within=20s
			bytes "\x1b[2J\x00\rx" -> finish reset`, 400, []string{`[error] *1 broken header: "\x1B[2J\x00"` + reading}},
		{"a PROXY header cut in its length", proxied, `
			accepted -> read max=4096 within=20s
			bytes "` + signatureV2 + `\x21\x11\xff\xff\x01" -> finish reset`, 400, []string{`[error] *1 header is too large` + reading}},
		{"a PROXY v2 header too short for its address family", proxied, `
			accepted -> read max=4096 within=20s
			bytes "` + signatureV2 + `\x21\x11\x00\x00" -> finish reset`, 400, nil},
		{"end before the PROXY header", proxied, `
			accepted -> read max=4096 within=20s
			eof -> finish`, 400, []string{`[error] *1 broken header: ""` + reading}},
		{"no PROXY header in time", proxied, `
			accepted -> read max=4096 within=20s
			after 20s -> keep
			timedout -> finish`, 200, []string{`[info] *1 client timed out (110: Connection timed out)` + reading}},
		{"reset before the PROXY header", proxied, `
			accepted -> read max=4096 within=20s
			failed client recv ECONNRESET -> finish`, 200, []string{`[info] *1 recv() failed (104: Connection reset by peer)` + reading}},
		{"shutdown before the PROXY header", proxied, `
			accepted -> read max=4096 within=20s
			aborted -> finish`, 200, []string{`[info] *1 shutdown timeout` + reading}},
		{"PROXY header, then preread of what came behind it", func(l *stream.Listen) {
			proxied(l)
			prereading(3, stream.Done)(l)
		}, `
			accepted -> read max=4096 within=20s
			bytes "PROXY UNKNOWN\r\nab" -> read max=6 within=30s
			bytes "c" -> send "abc"
			relayed -> finish reset`, 200, nil},

		{"preread", prereading(3, stream.Done), `
			accepted -> read max=8 within=30s
			bytes "abc" -> send "abc"
			relayed -> finish reset`, 200, nil},
		{"preread waits, with one time-out for all", prereading(3, stream.Done), `
			accepted -> read max=8 within=30s
			after 10s -> keep
			bytes "a" -> read max=7 within=20s
			after 10s -> keep
			bytes "b" -> read max=6 within=10s
			bytes "c" -> send "abc"
			relayed -> finish reset`, 200, nil},
		{"preread runs out of time", prereading(3, stream.Done), `
			accepted -> read max=8 within=30s
			timedout -> finish`, 200, nil},
		{"preread runs out of time with something", prereading(3, stream.Done), `
			accepted -> read max=8 within=30s
			bytes "a" -> read max=7 within=30s
			timedout -> finish reset`, 200, nil},
		{"end while prereading", prereading(3, stream.Done), `
			accepted -> read max=8 within=30s
			eof -> finish`, 200, nil},
		{"end after a part", prereading(3, stream.Done), `
			accepted -> read max=8 within=30s
			bytes "a" -> read max=7 within=30s
			eof -> finish reset`, 200, nil},
		{"reset while prereading", prereading(3, stream.Done), `
			accepted -> read max=8 within=30s
			failed client recv ECONNRESET -> finish`, 200, []string{`[info] *1 recv() failed (104: Connection reset by peer)` + prereads}},
		{"our own trouble while prereading", prereading(3, stream.Done), `
			accepted -> read max=8 within=30s
			failed client recv EBADF -> finish`, 200, []string{`[alert] *1 recv() failed (9: Bad file descriptor)` + prereads}},
		{"shutdown while prereading", prereading(3, stream.Done), `
			accepted -> read max=8 within=30s
			aborted -> finish`, 200, []string{`[info] *1 shutdown timeout` + prereads}},
		{"preread buffer full", prereading(9, stream.Done), `
			accepted -> read max=8 within=30s
			bytes "abcd" -> read max=4 within=30s
			bytes "efgh" -> finish reset`, 400, []string{`[error] *1 preread buffer full` + prereads}},
		{"preread buffer exactly full", prereading(8, stream.Done), `
			accepted -> read max=8 within=30s
			bytes "abcdefgh" -> send "abcdefgh"
			relayed -> finish reset`, 200, nil},
		{"preread declines", prereading(3, stream.Next), `
			accepted -> read max=8 within=30s
			bytes "abc" -> send "abc"
			relayed -> finish reset`, 200, nil},
		{"preread refuses", prereading(3, stream.Verdict(stream.StatusForbidden)), `
			accepted -> read max=8 within=30s
			bytes "abc" -> finish reset`, 403, nil},
		{"second preread handler waits again", func(l *stream.Listen) {
			l.Default.Handlers[stream.Preread] = []stream.Handler{wanting(2, stream.Next), nil, wanting(4, stream.Done), wanting(9, stream.Done)}
		}, `
			accepted -> read max=8 within=30s
			after 10s -> keep
			bytes "ab" -> read max=6 within=30s
			bytes "cd" -> send "abcd"
			relayed -> finish reset`, 200, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := listener()
			if tt.change != nil {
				tt.change(l)
			}
			s := offline.NewSession(t, l)
			offline.Script(t, s, tt.script)
			if s.Status != tt.status {
				t.Errorf("got status %d, want %d", s.Status, tt.status)
			}
			checkLog(t, s, tt.log...)
		})
	}
}

// TestPhases runs handlers in all phases, which record that they ran.
func TestPhases(t *testing.T) {
	type place struct {
		phase   stream.Phase
		name    string
		verdict stream.Verdict
		err     error
	}
	forbidden := stream.Verdict(stream.StatusForbidden)
	tests := []struct {
		name   string
		places []place
		ran    string
		status stream.Status
		log    []string
	}{
		{"in order", []place{
			{stream.Preread, "preread", stream.Next, nil}, {stream.Access, "access", stream.Next, nil},
			{stream.PreAccess, "preaccess", stream.Next, nil}, {stream.PostAccept, "postaccept", stream.Next, nil},
		}, "postaccept preaccess access preread", 200, nil},
		{"ssl without TLS", []place{{stream.SSL, "ssl", forbidden, nil}, {stream.Preread, "preread", stream.Next, nil}}, "preread", 200, nil},
		{"done ends the phase", []place{
			{stream.Access, "a", stream.Next, nil}, {stream.Access, "b", stream.Done, nil}, {stream.Access, "c", stream.Next, nil},
			{stream.Preread, "d", stream.Next, nil},
		}, "a b d", 200, nil},
		{"a status ends the session", []place{
			{stream.PreAccess, "a", stream.Verdict(stream.StatusUnavailable), nil}, {stream.Access, "b", stream.Next, nil},
		}, "a", 503, nil},
		{"an error is logged once", []place{
			{stream.Access, "a", forbidden, errors.New("access forbidden by rule")}, {stream.Access, "b", stream.Next, nil},
		}, "a", 403, []string{"[error] *1 access forbidden by rule while initializing session" + context}},
		{"an error of a handler that declines", []place{
			{stream.PreAccess, "a", stream.Next, errors.New("key is too long")}, {stream.Access, "b", stream.Next, nil},
		}, "a b", 200, []string{"[error] *1 key is too long while initializing session" + context}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := listener()
			var ran []string
			for _, p := range tt.places {
				l.Default.Handlers[p.phase] = append(l.Default.Handlers[p.phase], handler(func(*stream.Session) (stream.Verdict, error) {
					ran = append(ran, p.name)
					return p.verdict, p.err
				}))
			}
			s := offline.NewSession(t, l)
			if step := s.Advance(stream.Event{Kind: stream.Accepted}); step.Do == stream.Send {
				s.Advance(stream.Event{Kind: stream.Relayed})
			}
			if got := strings.Join(ran, " "); got != tt.ran || s.Status != tt.status {
				t.Errorf("got %q and status %d, want %q and %d", got, s.Status, tt.ran, tt.status)
			}
			checkLog(t, s, tt.log...)
		})
	}
}

// TestServerChange checks that a session continues at the next handler after a handler has changed
// its server.
func TestServerChange(t *testing.T) {
	l := listener()
	other := &stream.Server{Content: waiting{}, Settings: l.Default.Settings}
	ran := ""
	l.Default.Handlers[stream.Preread] = []stream.Handler{
		handler(func(s *stream.Session) (stream.Verdict, error) {
			other.Settings.ErrorLog = s.Server.Settings.ErrorLog
			s.Server = other
			return stream.Next, nil
		}),
		handler(func(*stream.Session) (stream.Verdict, error) { ran += "old"; return stream.Next, nil }),
	}
	other.Handlers[stream.Preread] = []stream.Handler{
		handler(func(*stream.Session) (stream.Verdict, error) { ran += "first"; return stream.Next, nil }),
		handler(func(*stream.Session) (stream.Verdict, error) { ran += "second"; return stream.Next, nil }),
	}
	s := offline.NewSession(t, l)
	offline.Script(t, s, `accepted -> send ""`)
	if ran != "second" {
		t.Errorf("got %q, want only the other server's second place", ran)
	}
}

// TestInnerListen checks that the local address selects the servers of a wildcard's connection.
func TestInnerListen(t *testing.T) {
	inner := listener()
	inner.Addr = stream.Addr{IP: netip.MustParseAddrPort("192.0.2.101:1883")}
	inner.Default.Content = nil
	tests := []struct {
		name, local string
		status      stream.Status
		arrival     string
	}{
		{"its own", "192.0.2.101:1883", 500, "connected to 192.0.2.101:1883"},
		{"another", "192.0.2.102:1883", 200, "connected to 0.0.0.0:1883"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wildcard := listener()
			wildcard.Addr = stream.Addr{IP: netip.MustParseAddrPort("0.0.0.0:1883")}
			wildcard.Inner = map[netip.Addr]*stream.Listen{inner.Addr.IP.Addr(): inner}
			s := offline.NewSession(t, wildcard)
			inner.Config, inner.Default.Settings.ErrorLog = wildcard.Config, wildcard.Default.Settings.ErrorLog
			s.Client.Local = &stream.Addr{IP: netip.MustParseAddrPort(tt.local)}
			if step := s.Advance(stream.Event{Kind: stream.Accepted}); step.Do == stream.Send {
				s.Advance(stream.Event{Kind: stream.Relayed})
			}
			if s.Status != tt.status || !strings.HasSuffix(s.Lines.All()[0], tt.arrival) {
				t.Errorf("got status %d, log %q; want %d, %q", s.Status, s.Lines.All(), tt.status, tt.arrival)
			}
			s.Log(stream.LevelError, "anything", nil)
			if s.Lines.Count("server: 0.0.0.0:1883") != 1 {
				t.Errorf("got log %q, want the wildcard for the server", s.Lines.All())
			}
		})
	}
}

// TestSystemClockIsSet checks that the times of a session are elapsed times, even if the system
// clock is set meanwhile.
func TestSystemClockIsSet(t *testing.T) {
	for _, back := range []int{3600, -3600} {
		s := offline.NewSession(t, listener())
		s.Clock = offline.NewRunningClock()
		env := *s.Env
		env.Now = s.Clock.Now
		s.Session = stream.NewSession(s.Listen, &env, s.Client, nil)
		s.Server.Handlers[stream.Preread] = []stream.Handler{handler(func(*stream.Session) (stream.Verdict, error) { return stream.More, nil })}
		offline.Script(t, s, `
			accepted  -> read max=8 within=30s
			after 10s -> keep`)
		s.Clock.SetBack(t, back)
		offline.Script(t, s, `bytes "a" -> read max=7 within=20s`)
		if got := s.Elapsed(); got != 10*time.Second {
			t.Errorf("set back by %d s: the session has lasted %v, want 10s", back, got)
		}
	}
}
