package stream_test

import (
	"slices"
	"testing"

	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/offline"
)

// udpListener returns a listen for datagrams.
func udpListener() *stream.Listen {
	l := listener()
	l.Addr = drivertest.Loopback(53)
	l.Addr.UDP = true
	return l
}

// Datagram sessions start with their first datagram, and skip the phases for the first bytes of a
// connection.
func TestUDP(t *testing.T) {
	tests := []struct {
		name   string
		access stream.Verdict
		script string
		status stream.Status
	}{
		{"answered", stream.Next, `
			accepted "abc" -> send "UDP 3 abc"
			relayed        -> finish reset`, 200},
		{"empty", stream.Next, `
			accepted "" -> send "UDP 0 "
			relayed     -> finish`, 200},
		{"denied", stream.Verdict(stream.StatusForbidden), `
			accepted "abc" -> finish reset`, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := udpListener()
			l.Config = stream.NewConfig()
			l.Default.Content = telling{l.Config.Vars.Index("protocol"), l.Config.Vars.Index("bytes_received")}
			l.Config.Vars.Resolve()
			l.Default.Handlers[stream.Access] = []stream.Handler{wanting(0, tt.access)}
			l.Default.Handlers[stream.SSL] = []stream.Handler{wanting(0, stream.Verdict(stream.StatusInternal))}
			l.Default.Handlers[stream.Preread] = []stream.Handler{wanting(100, stream.Done)}
			s := offline.NewSession(t, l)
			offline.Script(t, s, tt.script)
			if s.Status != tt.status || !s.UDP() {
				t.Errorf("got status %d, UDP %v, want %d", s.Status, s.UDP(), tt.status)
			}
			checkLines(t, s, "[info] *1 udp client 192.0.2.1:1000 connected to 127.0.0.1:53")
		})
	}
}

// telling is a content that sends the values of two variables and the session's first bytes.
type telling [2]int

func (c telling) Begin(s *stream.Session) stream.Step {
	first, _ := s.Value(c[0])
	second, _ := s.Value(c[1])
	return stream.Step{Do: stream.Send, Out: []byte(first + " " + second + " " + string(s.Head))}
}

func (telling) Next(s *stream.Session, _ stream.Event) stream.Step { return s.Finish(stream.StatusOK) }

// A log line of a datagram session contains the word udp.
func TestUDPLog(t *testing.T) {
	l := udpListener()
	l.Default.Content = logging{}
	s := offline.NewSession(t, l)
	offline.Script(t, s, `accepted "x" -> finish reset`)
	checkLines(t, s, "[info] *1 udp client 192.0.2.1:1000 connected to 127.0.0.1:53",
		"[error] *1 said, udp client: 192.0.2.1, server: 127.0.0.1:53")
}

// checkLines compares the whole log.
func checkLines(t *testing.T, s *offline.Session, want ...string) {
	t.Helper()
	if got := s.Lines.All(); !slices.Equal(got, want) {
		t.Errorf("got log %q, want %q", got, want)
	}
}

// logging is a content that logs a line.
type logging struct{}

func (logging) Begin(s *stream.Session) stream.Step {
	s.Log(stream.LevelError, "said", nil)
	return s.Finish(stream.StatusOK)
}

func (logging) Next(*stream.Session, stream.Event) stream.Step { panic("never") }

// A datagram wildcard does not accept connections.
func TestBoundTellsUDP(t *testing.T) {
	tcp, udp := &stream.Listen{Addr: ip("0.0.0.0:53")}, &stream.Listen{Addr: ip("0.0.0.0:53")}
	udp.Addr.UDP = true
	config := &stream.Config{Listens: []*stream.Listen{udp, tcp}}
	if got := config.Bound(ip("192.0.2.1:53")); got != tcp {
		t.Errorf("got %v for a connection", got)
	}
	config.Listens = config.Listens[:1]
	if got := config.Bound(ip("192.0.2.1:53")); got != nil {
		t.Errorf("got %v, want nothing", got)
	}
}
