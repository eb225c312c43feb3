package udp_test

import (
	"sync/atomic"
	"testing"

	"weir/internal/relay"
	"weir/stream/driver/udp"
)

// TestServerRemoved tests that a session whose server has left the group ends with the next datagram
// of either side.
func TestServerRemoved(t *testing.T) {
	for _, fromServer := range []bool{false, true} {
		spec := plain()
		spec.Left = new(atomic.Bool)
		r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{Loops: 1})
		server := r.upstream("udp4")
		c := r.client("")
		c.send("a")
		from := r.expectAt(server, "a")
		r.answer(server, from, "b")
		c.expect("b")
		spec.Left.Store(true)
		if fromServer {
			r.answer(server, from, "c")
		} else {
			c.send("c")
		}
		if o := r.outcome(); o.end != relay.Dropped || o.packets.Requests != 1 || o.packets.Responses != 1 {
			t.Errorf("from the server %v: got %+v, want dropped after one datagram each way", fromServer, o)
		}
	}
}
