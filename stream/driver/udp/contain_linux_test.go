package udp_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"weir/internal/testwait"
	"weir/stream"
	"weir/stream/driver/udp"
)

// TestPanicEndsOneSession tests that a panic of the driver ends only the affected session.
func TestPanicEndsOneSession(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{Loops: 1})
	r.echo()
	var armed atomic.Bool
	r.listener.Current = func(*stream.Config) bool {
		if armed.Swap(false) {
			panic("of the driver")
		}
		return true
	}
	first, second := r.client("127.0.0.1"), r.client("127.0.0.1")
	for _, c := range []*client{first, second} {
		c.send("hello")
		c.expect("hello")
	}
	armed.Store(true)
	first.send("lost")
	testwait.Eventually(t, "the panic", func() bool { return !armed.Load() }) // datagrams in the same batch are lost
	second.send("still here")
	second.expect("still here")
	first.send("a new session")
	first.expect("a new session")
	if all := strings.Join(r.lines.All(), "\n"); strings.Count(all, "panic: of the driver") != 1 {
		t.Errorf("logged %q, want one panic", all)
	}
}
