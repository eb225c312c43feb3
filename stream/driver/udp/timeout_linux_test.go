package udp_test

import (
	"testing"
	"time"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/udp"
)

func TestTimeout(t *testing.T) {
	spec := plain()
	spec.Responses, spec.Timeout = 1, 100*time.Millisecond
	r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	r.upstream("udp4")
	start := time.Now()
	r.client("").send("a")
	if o := r.outcome(); o.end != relay.Timeout || o.packets != (relay.Packets{Requests: 1}) {
		t.Errorf("got %+v", o)
	}
	if took := time.Since(start); took < 90*time.Millisecond {
		t.Errorf("timed out after %v", took)
	}
}

// TestTimeoutWithFullSocket tests that a server or a client that accepts nothing for
// proxy_timeout ends the session, although datagrams wait for it.
func TestTimeoutWithFullSocket(t *testing.T) {
	spec := plain()
	spec.BufferSize, spec.Timeout = 1<<20, 300*time.Millisecond
	t.Run("server", func(t *testing.T) {
		r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
		r.upstream("unixgram")
		c := r.client("")
		r.fill(func() { c.send("a") })
		if o := r.outcome(); o.end != relay.Timeout {
			t.Errorf("got %+v", o)
		}
	})
	t.Run("client", func(t *testing.T) {
		r := newRig(t, "unixgram", "s", spec, udp.Options{})
		server := r.upstream("udp4")
		c := r.client("")
		c.send("a")
		from := r.expectAt(server, "a")
		r.fill(func() { r.answer(server, from, "b") })
		if o := r.outcome(); o.end != relay.Timeout {
			t.Errorf("got %+v", o)
		}
	})
}

// fill sends more datagrams than fit into a socket, and each after the driver has received the one
// before, or until the session ends.
func (r *rig) fill(send func()) {
	r.Helper()
	for range 1000 {
		send()
		for done := r.duringAbort(func(*stream.Session) {}); !closed(done); time.Sleep(10 * time.Microsecond) {
			if len(r.ended) > 0 {
				return
			}
		}
	}
}

func closed(c <-chan bool) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
