package udp_test

import (
	"syscall"
	"testing"
	"time"

	"weir/internal/relay"
	"weir/stream/driver/udp"
)

// TestRates tests that datagrams from a client above its rate are lost, and that those from a
// server wait.
func TestRates(t *testing.T) {
	spec := plain()
	spec.Upload = 1
	r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	server := r.upstream("udp4")
	c := r.client("")
	c.send("0123456789abcdef")
	r.expectAt(server, "0123456789abcdef")
	c.send("lost")
	spec = plain()
	spec.Download, spec.Responses, spec.Timeout = 20, 3, 900*time.Millisecond
	other := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	slow := other.upstream("udp4")
	d := other.client("")
	d.send("a")
	from := other.expectAt(slow, "a")
	start := time.Now()
	for range 3 {
		other.answer(slow, from, "0123456789abcdefghij")
	}
	d.expect("0123456789abcdefghij", "0123456789abcdefghij", "0123456789abcdefghij")
	if took := time.Since(start); took < 1900*time.Millisecond {
		t.Errorf("60 bytes at 20 a second took %v", took)
	}
	if o := other.outcome(); o.end != relay.Done {
		t.Errorf("got %+v: proxy_timeout passes in a pause", o)
	}
	r.waitUntilReceived()
	if data, ok := arrived(t, server.(syscall.Conn)); ok {
		t.Errorf("got %q, which the rate did not allow", data)
	}
}
