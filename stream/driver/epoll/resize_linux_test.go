package epoll_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/testwait"
	"weir/stream"
	"weir/stream/driver/epoll"
	"weir/stream/offline"
)

// resize changes the number of loops of the fleet's driver.
func (f *fleet) resize(t *testing.T, loops, connections int) {
	t.Helper()
	if err := f.d.Resize(epoll.Options{Loops: loops, Connections: connections}); err != nil {
		t.Fatal(err)
	}
	f.loops = loops
}

// wantLoops waits until the driver has that many loops.
func (f *fleet) wantLoops(t *testing.T, n int) {
	t.Helper()
	testwait.Eventually(t, "surplus loops end", func() bool { return len(f.d.Sessions()) == n })
}

// TestResize changes the number of loops: sessions stay where they are, new ones go to the loops that serve, and surplus
// loops end after their sessions, or serve again.
func TestResize(t *testing.T) {
	f := newFleet(t, 4, 0)
	byLoop := f.joinOneByOne(t, 8)
	f.resize(t, 1, 0)
	if n := len(f.d.Sessions()); n != 4 {
		t.Fatalf("%d loops are left, want those with sessions", n)
	}
	before := f.d.Sessions()
	f.joinOneByOne(t, 8)
	if now := f.d.Sessions(); now[0] != before[0]+8 {
		t.Errorf("sessions of the loops: %v, then %v; want new ones in the first", before, now)
	}
	f.resize(t, 2, 0) // the second one serves again
	f.joinOneByOne(t, 6)
	if now := f.d.Sessions(); len(now) != 4 || now[1] <= before[1] || now[2] != before[2] {
		t.Errorf("sessions of the loops: %v, then %v; want new ones in the second", before, now)
	}
	for _, c := range append(byLoop[2], byLoop[3]...) {
		if !echoes(c) {
			t.Error("a session of a surplus loop was dropped")
		}
		c.Close()
	}
	f.wantLoops(t, 2)
	f.resize(t, 3, 0)
	f.wantLoops(t, 3)
	if byLoop := f.joinOneByOne(t, 4); len(byLoop[2]) == 0 {
		t.Error("the further loop gets no session")
	}
}

// TestResizeOfIdleLoops checks that surplus loops without sessions end at once.
func TestResizeOfIdleLoops(t *testing.T) {
	f := newFleet(t, 5, 0)
	f.resize(t, 2, 0)
	f.wantLoops(t, 2)
	if _, ok := f.join(t); !ok {
		t.Error("a session was not served")
	}
}

// TestResizeChangesTheLimit changes the number of connections of a loop in both directions.
func TestResizeChangesTheLimit(t *testing.T) {
	f := newFleet(t, 1, 4)
	f.joinOneByOne(t, 2)
	if _, ok := f.join(t); ok {
		t.Error("a session was taken beyond the limit")
	}
	f.resize(t, 1, 6)
	testwait.Eventually(t, "room for one more", func() bool { _, ok := f.join(t); return ok })
	f.resize(t, 1, 4)
	if _, ok := f.join(t); ok {
		t.Error("a session was taken beyond the lower limit")
	}
}

// TestResizeWithOwnSockets gives several descriptors to a loop, and takes them back.
func TestResizeWithOwnSockets(t *testing.T) {
	env, _ := offline.NewEnv(time.Now)
	d, err := epoll.New(env, epoll.Options{Loops: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var addrs []string
	var all *stream.Listener
	for range 3 {
		addr, port := portFor(t, env, proxyTo(echo(t)))
		addrs = append(addrs, addr)
		if all == nil {
			all = port
		} else {
			all.FDs = append(all.FDs, port.FDs...)
		}
	}
	if err := d.Listen(all); err != nil {
		t.Fatal(err)
	}
	for _, loops := range []int{3, 1, 2, 5} {
		if err := d.Resize(epoll.Options{Loops: loops}); err != nil {
			t.Fatal(err)
		}
		for i, addr := range addrs {
			if !echoes(dial(t, addr)) {
				t.Errorf("with %d loops socket %d is not served", loops, i)
			}
		}
	}
	d.Forget(all)
	for _, fd := range all.FDs {
		if err := unix.Close(fd); err != nil { // the number may be used again
			t.Fatal(err)
		}
	}
}

// TestResizeUnderLoad changes the number of loops all the time: no session is refused or dropped.
func TestResizeUnderLoad(t *testing.T) {
	f := newFleet(t, 1, 0)
	var stop atomic.Bool
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			var held []net.Conn
			for i := 0; !stop.Load(); i++ {
				c, ok := f.tryJoin()
				if !ok {
					t.Error("a session was not served")
					break
				}
				held = append(held, c)
				if oldest := held[0]; len(held) > 8 {
					if !echoes(oldest) {
						t.Error("a session was dropped")
					}
					oldest.Close()
					held = held[1:]
				}
			}
			for _, c := range held {
				c.Close()
			}
		})
	}
	for i := range 60 {
		f.resize(t, []int{4, 1, 3, 2}[i%4], 0)
	}
	stop.Store(true)
	work.Wait()
	f.wantLoops(t, 2)
	testwait.Eventually(t, "all sessions have ended", func() bool { return f.d.Connections() == 0 })
}
