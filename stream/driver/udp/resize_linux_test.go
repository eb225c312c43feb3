package udp_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"weir/internal/relay"
	"weir/internal/testwait"
	"weir/stream/driver/udp"
)

// resize changes the number of loops of the rig's driver.
func (r *rig) resize(loops int) {
	r.Helper()
	if err := r.driver.(*udp.Driver).Resize(udp.Options{Loops: loops}); err != nil {
		r.Fatal(err)
	}
}

// loops returns the number of loops.
func (r *rig) loops() int { return r.driver.(*udp.Driver).Loops() }

// TestResize checks that a session of a surplus loop still receives answers, that another loop reads the socket, and
// that the surplus loop ends after the session.
func TestResize(t *testing.T) {
	spec := plain()
	spec.Left = new(atomic.Bool)
	r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{Loops: 2}) // the second loop reads the first socket
	server := r.upstream("udp4")
	c := r.client("")
	c.send("a")
	first := r.expectAt(server, "a")
	r.resize(1)
	r.answer(server, first, "b")
	c.expect("b")
	c.send("c")
	second := r.expectAt(server, "c")
	if second.String() == first.String() {
		t.Error("the surplus loop reads still")
	}
	r.resize(3) // the socket stays with the first loop, the second one serves again
	c.send("d")
	if from := r.expectAt(server, "d"); from.String() != second.String() {
		t.Error("the session has changed loops")
	}
	r.resize(1)
	testwait.Eventually(t, "the idle loop ends", func() bool { return r.loops() == 2 })
	spec.Left.Store(true)
	r.answer(server, first, "e")
	if o := r.outcome(); o.end != relay.Dropped {
		t.Errorf("got %+v, want the end of the old session", o)
	}
	testwait.Eventually(t, "the surplus loop ends", func() bool { return r.loops() == 1 })
}

// TestResizeBeforeListen checks that the driver starts no loop before it serves.
func TestResizeBeforeListen(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{Loops: 1})
	r.resize(3)
	if n := r.loops(); n != 0 {
		t.Errorf("%d loops run", n)
	}
	r.echo()
	c := r.client("")
	c.send("a")
	c.expect("a")
	if n := r.loops(); n != 3 {
		t.Errorf("%d loops run, want 3", n)
	}
}

// TestForgetAfterResize checks that no loop uses a socket that is not the driver's any more.
func TestForgetAfterResize(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{Loops: 2})
	server := r.upstream("udp4")
	c := r.client("")
	c.send("a")
	first := r.expectAt(server, "a")
	r.resize(1)
	r.driver.Forget(r.listener)
	r.answer(server, first, "b")
	if o := r.outcome(); o.end != relay.Shutdown || o.toClient != 0 {
		t.Errorf("got %+v, want a shutdown", o)
	}
}

// TestResizeUnderLoad changes the number of loops while clients get an answer to each datagram.
func TestResizeUnderLoad(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{Loops: 2})
	r.echo()
	var stop atomic.Bool
	var work sync.WaitGroup
	for range 3 {
		c := r.client("")
		work.Go(func() {
			for !stop.Load() {
				c.send("a")
				c.expect("a")
			}
		})
	}
	for i := range 40 {
		r.resize([]int{4, 1, 3, 2}[i%4])
	}
	stop.Store(true)
	work.Wait()
}
