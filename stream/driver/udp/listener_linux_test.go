package udp_test

import (
	"sync/atomic"
	"testing"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/driver/udp"
)

// TestCurrent tests that a client of an older generation begins a new session with its next
// datagram, and still receives the pending datagrams of its old session first.
func TestCurrent(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	server := r.upstream("udp4")
	c := r.client("")
	c.send("a")
	first := r.expectAt(server, "a")
	old := r.listen.Config
	r.change(func() {
		next := *r.listen
		next.Config = stream.NewConfig()
		r.listen = &next
		r.listener.Current = func(c *stream.Config) bool { return c != old }
	})
	r.answer(server, first, "b")
	c.expect("b")
	c.send("c")
	second := r.expectAt(server, "c")
	if second.String() == first.String() {
		t.Error("the datagram went to the old session")
	}
	if o := r.outcome(); o.end != relay.Shutdown {
		t.Errorf("got %+v, want a shutdown", o)
	}
	r.answer(server, second, "d")
	c.expect("d")
}

// TestForget tests that the sessions of a forgotten listener cannot answer, and end when they try
// to. The address can be listened on again.
func TestForget(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{Loops: 2})
	server := r.upstream("udp4")
	c := r.client("")
	c.send("a")
	from := r.expectAt(server, "a")
	r.driver.Forget(r.listener)
	r.driver.Forget(r.listener)
	r.answer(server, from, "b")
	if o := r.outcome(); o.end != relay.Shutdown || o.toClient != 0 {
		t.Errorf("got %+v, want a shutdown", o)
	}
	c.send("c")
	if err := r.driver.Listen(r.listener); err != nil {
		t.Fatal(err)
	}
	r.expectAt(server, "c")
}

// TestOtherContents tests that an address that is no longer served receives datagrams and drops
// them, and that a content can answer without a server.
func TestOtherContents(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	r.server.Content = &drivertest.Reply{Text: []byte("reply")}
	var gone atomic.Bool
	r.listener.Admit = func() (*stream.Listen, stream.Lease) {
		if gone.Swap(false) {
			return nil, nil
		}
		return r.listen, nil
	}
	c := r.client("")
	for _, text := range []string{"a", "bb"} {
		c.send(text)
		c.expect("reply")
		if o := r.outcome(); o.toClient != 5 || o.fromClient != int64(len(text)) {
			t.Errorf("got %+v", o)
		}
		gone.Store(true)
		c.send("lost")
	}
}
