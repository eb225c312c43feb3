package proxy_test

import (
	"strings"
	"testing"

	"weir/stream"
	"weir/stream/offline"
	"weir/stream/upstream"
)

// TestSessionDrop checks that only with proxy_session_drop the driver receives the flag that the
// server has left the group.
func TestSessionDrop(t *testing.T) {
	for _, drop := range []bool{false, true} {
		g := group(1)
		peer := g.Peers()[0]
		c := content(g)
		c.SessionDrop = drop
		s := session(t, c)
		offline.Script(t, s, `
			accepted -> read max=16 within=1m0s
			bytes "abcd" -> connect 127.0.0.1:7001 out="abcd" within=1m0s`)
		step := s.Advance(stream.Event{Kind: stream.Connected})
		if step.Do != stream.Relay || step.Relay.Dropped() {
			t.Fatalf("drop %v: got step %v, dropped %v", drop, step.Do, step.Relay.Dropped())
		}
		g.Replace(nil)
		if got := step.Relay.Dropped(); got != drop {
			t.Errorf("drop %v: the relay of %s is to end: %v", drop, peer.Name, got)
		}
		offline.Script(t, s, `relayed dropped -> finish`)
		if got := strings.Contains(strings.Join(s.Lines.All(), "\n"), "upstream server removed from group while proxying connection"); !got {
			t.Errorf("got log %q", s.Lines.All())
		}
	}
}

// TestAbortReason checks that a session that is ended shows why.
func TestAbortReason(t *testing.T) {
	for _, tt := range []struct {
		end       func(*upstream.Group)
		drop      bool
		why, text string
	}{
		{func(*upstream.Group) {}, true, "shutdown", "shutdown timeout"},
		{func(g *upstream.Group) { g.Replace(nil) }, true, "broker_removed", "upstream server removed from group"},
		{func(g *upstream.Group) { g.Replace(nil) }, false, "shutdown", "shutdown timeout"},
		{func(g *upstream.Group) { g.Drain("127.0.0.1:7001", 5) }, false, "broker_drained", "upstream server is drained"},
	} {
		for _, relays := range []bool{false, true} {
			g := group(1)
			g.SetCloseBudget(stream.NewBudget(10))
			c := content(g)
			c.SessionDrop = tt.drop
			s := session(t, c)
			offline.Script(t, s, `
				accepted -> read max=16 within=1m0s
				bytes "abcd" -> connect 127.0.0.1:7001 out="abcd" within=1m0s`)
			if relays {
				s.Advance(stream.Event{Kind: stream.Connected})
			}
			if _, peer, drops := c.Chosen(s.Session); peer != g.Peers()[0] || drops != tt.drop {
				t.Errorf("%s: the session has chosen %v", tt.why, peer)
			}
			tt.end(g)
			s.Advance(stream.Event{Kind: stream.Aborted})
			if got := s.Ending().String(); got != tt.why {
				t.Errorf("got the reason %s, want %s", got, tt.why)
			}
			if log := strings.Join(s.Lines.All(), "\n"); !strings.Contains(log, tt.text) {
				t.Errorf("%s: got log %q", tt.why, log)
			}
		}
	}
}

// TestBindDynamic checks that the address to bind to is evaluated for each attempt.
func TestBindDynamic(t *testing.T) {
	for _, dynamic := range []bool{false, true} {
		config := stream.NewConfig()
		n := byte('0')
		count := stream.Variable{Name: "count", NoCache: true, Get: func(*stream.Session) (string, bool) {
			n++
			return string(n), true
		}}
		c := content(group(3))
		c.BindDynamic = dynamic
		c.Bind = template(t, config, "127.0.0.$count")
		s := newSession(t, c, config, count)
		offline.Script(t, s, `accepted -> read max=16 within=1m0s`)
		var got []string
		ev := stream.Event{Kind: stream.Bytes, Data: []byte("abcd")}
		for range 3 {
			step := s.Advance(ev)
			got = append(got, step.Target.Local.IP.Addr().String())
			ev = stream.Event{Kind: stream.TimedOut}
		}
		want := "127.0.0.1 127.0.0.1 127.0.0.1"
		if dynamic {
			want = "127.0.0.1 127.0.0.2 127.0.0.3"
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("dynamic %v: got %s, want %s", dynamic, got, want)
		}
		offline.Script(t, s, `aborted -> finish reset`)
	}
}
