package proxy_test

import (
	"testing"

	"weir/stream"
	"weir/stream/modules/proxy"
	"weir/stream/offline"
	"weir/stream/upstream"
)

// CONNECT packets of MQTT 5.0, the second with a limit of 10 bytes for packets, and one of 3.1.1; and a
// CONNACK that accepts the client.
const (
	connect5     = "\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01a"
	connectSmall = "\x10\x13\x00\x04MQTT\x05\x02\x00\x3c\x05\x27\x00\x00\x00\x0a\x00\x01a"
	connect4     = "\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a"
	connack      = "\x20\x03\x00\x00\x00"
)

// TestDisconnect checks which DISCONNECT a session ends with.
func TestDisconnect(t *testing.T) {
	drained := func(g *upstream.Group) { g.Drain("127.0.0.1:7001", 5) }
	removed := func(g *upstream.Group) { g.Replace(nil) }
	shutdown := func(*upstream.Group) {}
	for _, tt := range []struct {
		name      string
		connect   string
		relayed   string // of the server
		reference string
		end       func(*upstream.Group)
		want      string
	}{
		{"drained", connect5, connack, "", drained, "\xe0\x02\x9c\x00"},
		{"removed", connect5, connack, "", removed, "\xe0\x02\x9d\x00"},
		{"shutdown", connect5, connack, "", shutdown, "\xe0\x02\x8b\x00"},
		{"drained with a reference", connect5, connack, "b.example", drained, "\xe0\x0e\x9c\x0c\x1c\x00\x09b.example"},
		{"removed with a reference", connect5, connack, "b.example", removed, "\xe0\x0e\x9d\x0c\x1c\x00\x09b.example"},
		{"shutdown without the reference", connect5, connack, "b.example", shutdown, "\xe0\x02\x8b\x00"},
		{"reference longer than the client accepts", connectSmall, connack, "b.example", drained, "\xe0\x02\x9c\x00"},
		{"reference that the client accepts", connectSmall, connack, "b", drained, "\xe0\x06\x9c\x04\x1c\x00\x01b"},
		{"within a packet", connect5, connack + "\x30\x05abc", "", drained, ""},
		{"before the CONNACK", connect5, "", "", drained, ""},
		{"another version", connect4, "\x20\x02\x00\x00", "", drained, ""},
		{"no MQTT", "GET / HTTP/1.1\r\n", connack, "", drained, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := group(1)
			g.SetCloseBudget(stream.NewBudget(10))
			c := content(g)
			c.SessionDrop = true
			c.Disconnect = proxy.NewDisconnect(tt.reference)
			s, step := relaying(t, c, tt.connect)
			s.CountFromUpstream(step.Relay, len(tt.relayed), []byte(tt.relayed))
			tt.end(g)
			checkSent(t, s, stream.Event{Kind: stream.Aborted}, tt.want)
		})
	}
}

// relaying returns a session that relays, and its step. Its client has sent first.
func relaying(t *testing.T, c *proxy.Content, first string) (*offline.Session, stream.Step) {
	t.Helper()
	s := session(t, c)
	offline.Script(t, s, `accepted -> read max=16 within=1m0s`)
	s.Advance(stream.Event{Kind: stream.Bytes, Data: []byte(first)})
	step := s.Advance(stream.Event{Kind: stream.Connected})
	if step.Do != stream.Relay {
		t.Fatalf("got step %v, want a relay", step)
	}
	return s, step
}

// checkSent checks that after ev the session sends want, or nothing, and ends.
func checkSent(t *testing.T, s *offline.Session, ev stream.Event, want string) {
	t.Helper()
	step := s.Advance(ev)
	if want == "" {
		if step.Do != stream.Finish {
			t.Errorf("got step %v with %q, want the end", step.Do, step.Out)
		}
		return
	}
	if step.Do != stream.Send || string(step.Out) != want || step.Deadline.IsZero() {
		t.Fatalf("got step %v with %q until %v, want to send %q", step.Do, step.Out, step.Deadline, want)
	}
	if step = s.Advance(stream.Event{Kind: stream.Relayed}); step.Do != stream.Finish {
		t.Errorf("got step %v after the packet, want the end", step.Do)
	}
}

// TestDisconnectAfterTheRelay checks the end by the next event of a session whose server was removed, and
// that other ends of the relay send nothing.
func TestDisconnectAfterTheRelay(t *testing.T) {
	for _, tt := range []struct{ relayed, want string }{
		{"dropped -> send \"\\xe0\\x02\\x9d\\x00\" within=1s", "broker_removed"},
		{"upstream-EOF -> finish", "broker_closed"},
		{"client-EOF -> finish", "client_closed"},
		{"timeout -> finish", "idle_timeout"},
	} {
		c := content(group(1))
		c.Disconnect = proxy.NewDisconnect("")
		s, step := relaying(t, c, connect5)
		s.CountFromUpstream(step.Relay, len(connack), []byte(connack))
		offline.Script(t, s, "relayed "+tt.relayed)
		if tt.want == "broker_removed" {
			offline.Script(t, s, `relayed dropped -> finish`)
		}
		checkEnding(t, s, tt.want)
	}
}

// TestDisconnectThatCannotBeSent checks that a client that does not read, a second abort and an error end
// the session.
func TestDisconnectThatCannotBeSent(t *testing.T) {
	for _, events := range []string{
		`timedout -> finish`,
		`aborted -> finish`,
		`failed client send ECONNRESET -> keep
		relayed -> finish`,
	} {
		c := content(group(1))
		c.Disconnect = proxy.NewDisconnect("")
		s, step := relaying(t, c, connect5)
		s.CountFromUpstream(step.Relay, len(connack), []byte(connack))
		offline.Script(t, s, `aborted -> send "\xe0\x02\x8b\x00" within=1s
			`+events)
		checkEnding(t, s, "shutdown")
	}
}

// TestDisconnectOfBytesNotSeen checks that a session whose bytes were moved within the kernel sends a
// packet only if it knows where the last one ends.
func TestDisconnectOfBytesNotSeen(t *testing.T) {
	for _, tt := range []struct {
		unseen int
		want   string
	}{{200, "\xe0\x02\x8b\x00"}, {201, ""}} {
		c := content(group(1))
		c.Disconnect = proxy.NewDisconnect("")
		s, step := relaying(t, c, connect5)
		begin := connack + "\x30\xc8\x01"
		s.CountFromUpstream(step.Relay, len(begin), []byte(begin))
		s.CountFromUpstream(step.Relay, tt.unseen, nil)
		checkSent(t, s, stream.Event{Kind: stream.Aborted}, tt.want)
	}
}

// TestSharedSpecWithoutDisconnect checks that sessions without a DISCONNECT share the Spec of their server.
func TestSharedSpecWithoutDisconnect(t *testing.T) {
	for _, tt := range []struct {
		disconnect *proxy.Disconnect
		connect    string
		shared     bool
	}{
		{nil, connect5, true},
		{proxy.NewDisconnect(""), connect4, true},
		{proxy.NewDisconnect(""), connect5, false},
	} {
		c := content(group(1))
		c.Disconnect = tt.disconnect
		_, one := relaying(t, c, tt.connect)
		_, two := relaying(t, c, tt.connect)
		if got := one.Relay == two.Relay; got != tt.shared {
			t.Errorf("%v, %q: the sessions share their Spec: %v, want %v", tt.disconnect, tt.connect, got, tt.shared)
		}
	}
}
