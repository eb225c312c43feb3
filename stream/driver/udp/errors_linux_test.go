package udp_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/udp"
)

// TestRefused tests that a refused datagram counts as an answer, sends nothing, and is reported to
// the session as an error.
func TestRefused(t *testing.T) {
	spec := plain()
	spec.Responses = 1
	r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	r.upstream("udp4").Close()
	c := r.client("")
	c.send("a")
	o := r.outcome()
	c.expectNone()
	if o.end != relay.Done || o.packets.Responses != 1 || len(o.failures) != 1 {
		t.Fatalf("got %+v", o)
	}
	if f := o.failures[0]; f.Side != stream.UpstreamSide || f.Op != stream.OpRecv || !errors.Is(f.Err, unix.ECONNREFUSED) {
		t.Errorf("got failure %+v", f)
	}
}

// TestTooLong tests that a datagram that cannot be sent ends the session.
func TestTooLong(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	r.upstream("udp4")
	r.proxy.Prefix = bytes.Repeat([]byte("x"), 1000)
	r.client("").send(strings.Repeat("y", 65000))
	o := r.outcome()
	if o.end != relay.UpstreamError || len(o.failures) != 1 || o.failures[0].Op != stream.OpSendMsg {
		t.Errorf("got %+v", o)
	}
}

// TestRetry tests that after a server that cannot be connected to, the next one gets the first
// datagram.
func TestRetry(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	server := r.upstream("udp4")
	r.proxy.To = append([]stream.Addr{stream.UnixAddr("/nonexistent/socket")}, r.proxy.To...)
	c := r.client("")
	c.send("a")
	r.expectAt(server, "a")
}
