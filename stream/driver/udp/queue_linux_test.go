package udp_test

import (
	"fmt"
	"testing"

	"weir/stream"
	"weir/stream/driver/udp"
)

// TestQueue tests that while a server accepts nothing, datagrams for it wait up to the size of the
// buffer, and more are lost.
func TestQueue(t *testing.T) {
	spec := plain()
	spec.BufferSize, spec.Timeout = 1000, 0
	r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	server := r.upstream("unixgram")
	c := r.client("")
	const sent, size = 1500, 100
	for i := range sent {
		c.send(fmt.Sprintf("%0*d", size, i))
		r.waitUntilReceived()
	}
	var kept int
	<-r.duringAbort(func(s *stream.Session) { kept = int(s.Traffic.FromClient.Load()) / size })
	for i := range kept {
		r.expectAt(server, fmt.Sprintf("%0*d", size, i))
	}
	if kept <= spec.BufferSize/size || kept > sent/2 {
		t.Errorf("%d of %d datagrams were kept for a server that read none", kept, sent)
	}
	c.send("last")
	r.expectAt(server, "last")
}

// TestSlowClient tests that datagrams that a client does not accept wait in the driver and in the
// server's socket, and that none is lost.
func TestSlowClient(t *testing.T) {
	r := newRig(t, "unixgram", "s", plain(), udp.Options{})
	server := r.upstream("udp4")
	c := r.client("")
	c.send("a")
	from := r.expectAt(server, "a")
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprint(i))
		r.answer(server, from, want[i])
	}
	r.waitUntilReceived()
	c.expect(want...)
}
