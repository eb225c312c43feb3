package stream_test

import (
	"errors"
	"syscall"
	"testing"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/offline"
)

// endings is a logger that records $fleet_end.
type endings struct {
	index int
	got   *string
}

func (e endings) Log(s *stream.Session) { *e.got, _ = s.Value(e.index) }

// checkEnding plays a script on l, and compares $fleet_end in the log.
func checkEnding(t *testing.T, l *stream.Listen, script, want string) {
	t.Helper()
	got := ""
	if l.Config == nil {
		l.Config = stream.NewConfig()
	}
	log := endings{l.Config.Vars.Index("fleet_end"), &got}
	l.Config.Vars.Resolve()
	l.Default.Loggers = []stream.Logger{log}
	s := offline.NewSession(t, l)
	offline.Script(t, s, script)
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEnding(t *testing.T) {
	proxied := func(l *stream.Listen) { l.ProxyProtocol = true }
	prereading := func(l *stream.Listen) { l.Default.Handlers[stream.Preread] = []stream.Handler{wanting(4, stream.Done)} }
	refusing := func(v stream.Status) func(*stream.Listen) {
		return func(l *stream.Listen) {
			l.Default.Handlers[stream.Access] = []stream.Handler{wanting(0, stream.Verdict(v))}
		}
	}
	const header, preread = "accepted -> read max=4096 within=20s\n", "accepted -> read max=8 within=30s\n"
	tests := []struct {
		name   string
		change func(*stream.Listen)
		script string
	}{
		{"completed", func(*stream.Listen) {}, `accepted -> send ""
			relayed -> finish`},
		{"proxy_header_timeout", proxied, header + "timedout -> finish"},
		{"client_reset", proxied, header + "failed client recv ECONNRESET -> finish"},
		{"shutdown", proxied, header + "aborted -> finish"},
		{"proxy_header_invalid", proxied, header + `bytes "GET / HTTP/1.1\r\n\r\n" -> finish reset`},
		{"client_closed", prereading, preread + "eof -> finish"},
		{"client_reset", prereading, preread + "failed client recv ECONNRESET -> finish"},
		{"preread_timeout", prereading, preread + "timedout -> finish"},
		{"shutdown", prereading, preread + "aborted -> finish"},
		{"rejected", func(l *stream.Listen) {
			l.Default.Handlers[stream.Preread] = []stream.Handler{wanting(100, stream.Done)}
		}, preread + `bytes "12345678" -> finish reset`},
		{"rejected", refusing(stream.StatusForbidden), "accepted -> finish"},
		{"rejected", refusing(stream.StatusInternal), "accepted -> finish"},
		{"internal_error", func(l *stream.Listen) { l.Default.Content = nil }, "accepted -> finish"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := listener()
			tt.change(l)
			checkEnding(t, l, tt.script, tt.name)
		})
	}
}

// TestEndingOfRelay checks the reasons of relays.
func TestEndingOfRelay(t *testing.T) {
	for end, want := range map[relay.End]string{
		relay.ClientEOF: "client_closed", relay.ClientError: "client_reset", relay.UpstreamEOF: "broker_closed",
		relay.UpstreamError: "broker_reset", relay.Timeout: "idle_timeout", relay.Done: "completed",
		relay.Dropped: "broker_removed", relay.Shutdown: "shutdown", relay.Aborted: "shutdown",
	} {
		l := listener()
		l.Default.Content = ended{end}
		checkEnding(t, l, `accepted -> finish`, want)
	}
}

// ended is a content whose relay has ended.
type ended struct{ end relay.End }

func (c ended) Begin(s *stream.Session) stream.Step {
	s.Traffic.End = c.end
	return s.Finish(stream.StatusOK)
}

func (ended) Next(*stream.Session, stream.Event) stream.Step { return stream.Step{} }

func TestEndingOfHandshake(t *testing.T) {
	for want, ev := range map[string]stream.Event{
		"handshake_timeout": {Kind: stream.TimedOut},
		"handshake_failed":  {Kind: stream.Failed, Op: stream.OpHandshake, Err: errors.New("tls: bad")},
		"shutdown":          {Kind: stream.Aborted},
		"internal_error":    {Kind: stream.Failed, Op: stream.OpWatch, Err: syscall.ENOMEM},
	} {
		l, _ := tlsListener(t)
		got := ""
		l.Config = stream.NewConfig()
		log := endings{l.Config.Vars.Index("fleet_end"), &got}
		l.Config.Vars.Resolve()
		l.Default.Loggers = []stream.Logger{log}
		s, _ := connected(t, l)
		s.Advance(ev)
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestEndingBeforeTheEnd checks that $fleet_end is not found while the session lives.
func TestEndingBeforeTheEnd(t *testing.T) {
	l := listener()
	l.Config = stream.NewConfig()
	index := l.Config.Vars.Index("fleet_end")
	l.Config.Vars.Resolve()
	s := offline.NewSession(t, l)
	s.SetEnding(stream.ConnectFailed)
	if got, found := s.Value(index); found {
		t.Errorf("got %q", got)
	}
}
