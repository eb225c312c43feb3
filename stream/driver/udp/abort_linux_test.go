package udp_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"weir/internal/relay"
	"weir/internal/testwait"
	"weir/stream"
	"weir/stream/driver/udp"
)

func allSessions(*stream.Session) bool { return true }

func TestAbort(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{Loops: 2})
	server := r.upstream("udp4")
	for i := range 3 {
		text := fmt.Sprint(i)
		r.client("").send(text)
		r.expectAt(server, text)
	}
	port := ""
	r.driver.Abort(func(s *stream.Session) bool {
		if port == "" {
			port = s.Client.Addr.Port()
		}
		return s.Client.Addr.Port() == port
	}, nil)
	if o := r.outcome(); o.end != relay.Aborted || o.packets.Requests != 1 {
		t.Errorf("got %+v", o)
	}
	r.driver.Abort(func(*stream.Session) bool { return true }, stream.NewBudget(100))
	r.outcome()
	r.outcome()
}

func TestClose(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{Loops: 2})
	server := r.upstream("udp4")
	r.client("").send("a")
	r.expectAt(server, "a")
	for range 2 {
		if err := r.driver.Close(); err != nil {
			t.Error(err)
		}
	}
	r.driver.Forget(r.listener)
	r.driver.Abort(allSessions, nil)
	if err := r.driver.Listen(r.listener); err == nil {
		t.Error("a closed driver listens")
	}
	if len(r.ended) != 0 {
		t.Errorf("a cut session has ended in order: %+v", r.outcome())
	}
}

// change changes state that the loops read, while they wait.
func (r *rig) change(f func()) {
	r.Helper()
	select {
	case <-r.duringAbort(func(*stream.Session) { f() }):
	case <-time.After(testwait.Patience):
		r.Fatal("no session")
	}
}

// duringAbort calls f with a session while its loop waits, and then closes done, provided that there is
// a session.
func (r *rig) duringAbort(f func(*stream.Session)) (done <-chan bool) {
	var once sync.Once
	called := make(chan bool)
	r.driver.Abort(func(s *stream.Session) bool { once.Do(func() { f(s); close(called) }); return false }, nil)
	return called
}

// waitUntilReceived waits until everything sent so far has been received: a loop handles aborts after its
// events.
func (r *rig) waitUntilReceived() {
	r.Helper()
	r.change(func() {})
}
