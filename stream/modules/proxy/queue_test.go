package proxy_test

import (
	"testing"
	"time"

	"weir/stream"
	"weir/stream/offline"
	"weir/stream/upstream"
)

// TestQueue plays sessions that wait in the queue of a group whose server gets one connection per second.
func TestQueue(t *testing.T) {
	const first = `accepted -> read max=16 within=1m0s
		bytes "abcd" -> pause within=1.001s
		`
	for _, tt := range []struct{ name, script, ending string }{
		{"served", first + `after 1001ms -> keep
			timedout -> connect 127.0.0.1:7001 out="abcd" within=1m0s
			aborted -> finish reset`, "shutdown"},
		{"the client goes", first + `eof -> keep
			failed client recv ECONNRESET -> finish reset`, "client_reset"},
		{"shutdown", first + `aborted -> finish reset`, "shutdown"},
		{"bug", first + `panic`, "internal_error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			peers := servers(1)
			peers[0].ConnectRate = 1
			g := upstream.NewGroup("brokers", peers, upstream.RoundRobin)
			g.SetQueue(5, 3*time.Second)
			c := content(g)
			s := session(t, c)
			if _, err := g.Begin(s.Session).Pick(); err != nil {
				t.Fatal(err)
			}
			if tt.script == first+`panic` {
				offline.Script(t, s, first)
				s.Panicked("bug")
			} else {
				offline.Script(t, s, tt.script)
			}
			if n := g.Waiting(); n != 0 {
				t.Errorf("%d sessions wait", n)
			}
			if got := s.Ending().String(); got != tt.ending {
				t.Errorf("got the reason %s, want %s", got, tt.ending)
			}
		})
	}
}

// TestQueueTimeout plays a session that no server can take in time: it waits longer and longer, and is
// refused after the timeout.
func TestQueueTimeout(t *testing.T) {
	peers := servers(1)
	peers[0].Down = true
	g := upstream.NewGroup("brokers", peers, upstream.RoundRobin)
	g.SetQueue(5, time.Second)
	s := session(t, content(g))
	s.Advance(stream.Event{Kind: stream.Accepted})
	offline.Script(t, s, `bytes "abcd" -> pause within=100ms
		after 900ms -> keep
		timedout -> pause within=100ms
		after 100ms -> keep
		timedout -> finish reset`)
	if n := g.Waiting(); n != 0 {
		t.Errorf("%d sessions wait", n)
	}
	if got := s.Ending().String(); got != "no_broker" || s.Status != stream.StatusBadGateway || len(s.Tries) != 1 {
		t.Errorf("got the reason %s, status %d, tries %v", got, s.Status, s.Tries)
	}
}
