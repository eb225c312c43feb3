package epoll_test

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"weir/internal/testwait"
	"weir/stream"
	"weir/stream/driver/epoll"
	"weir/stream/offline"
)

// perLoop is the average number of sessions of a loop in the tests below.
const perLoop = 30

// fleet is a set of clients of a driver with several loops, all of which listen on one socket.
type fleet struct {
	d     *epoll.Driver
	addr  string
	loops int
	want  int // sessions
}

func newFleet(t *testing.T, loops, connections int) *fleet {
	t.Helper()
	env, _ := offline.NewEnv(time.Now)
	d, err := epoll.New(env, epoll.Options{Loops: loops, Connections: connections})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return &fleet{d: d, addr: listen(t, d, env, echo(t)), loops: loops}
}

// join opens a session and reports whether it is served.
func (f *fleet) join(t *testing.T) (net.Conn, bool) {
	t.Helper()
	c := dial(t, f.addr)
	return c, echoes(c)
}

// tryJoin is join for any goroutine.
func (f *fleet) tryJoin() (net.Conn, bool) {
	c, err := net.DialTimeout("tcp", f.addr, testwait.Patience)
	if err != nil {
		return nil, false
	}
	c.SetDeadline(time.Now().Add(testwait.Patience))
	if !echoes(c) {
		c.Close()
		return nil, false
	}
	return c, true
}

// joinOneByOne opens n sessions, each after the previous one is served, and returns them by loop.
func (f *fleet) joinOneByOne(t *testing.T, n int) [][]net.Conn {
	t.Helper()
	byLoop := make([][]net.Conn, f.loops)
	before := f.d.Sessions()
	for range n {
		c, ok := f.join(t)
		if !ok {
			t.Fatal("a session was not served")
		}
		after := f.d.Sessions()
		for i := range after {
			if after[i] > before[i] {
				byLoop[i] = append(byLoop[i], c)
			}
		}
		before = after
	}
	f.want += n
	return byLoop
}

// joinAtOnce opens n sessions at the same time.
func (f *fleet) joinAtOnce(t *testing.T, n int) {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if c, ok := f.tryJoin(); ok {
				t.Cleanup(func() { c.Close() })
			} else {
				t.Error("a session was not served")
			}
		})
	}
	all.Wait()
	f.want += n
}

// checkSpread fails if a loop differs by more than a tenth from its share of the sessions.
func (f *fleet) checkSpread(t *testing.T) {
	t.Helper()
	testwait.Eventually(t, "the sessions are counted", func() bool { return sum(f.d.Sessions()) == f.want })
	part := float64(f.want) / float64(f.loops)
	for _, n := range f.d.Sessions() {
		if float64(n) < 0.9*part || float64(n) > 1.1*part {
			t.Errorf("loops have %v sessions, want %.0f each, ±10 %%", f.d.Sessions(), part)
			return
		}
	}
}

func sum(counts []int) int {
	total := 0
	for _, n := range counts {
		total += n
	}
	return total
}

func eachNumberOfLoops(t *testing.T, test func(t *testing.T, loops int)) {
	t.Helper()
	for _, loops := range []int{2, 4, 16} {
		t.Run(fmt.Sprintf("%d loops", loops), func(t *testing.T) { test(t, loops) })
	}
}

func TestSessionsSpreadOverLoops(t *testing.T) {
	eachNumberOfLoops(t, func(t *testing.T, loops int) {
		f := newFleet(t, loops, 0)
		f.joinOneByOne(t, perLoop*loops)
		f.checkSpread(t)
	})
}

func TestSessionsOfABurstSpreadOverLoops(t *testing.T) {
	eachNumberOfLoops(t, func(t *testing.T, loops int) {
		f := newFleet(t, loops, 0)
		f.joinAtOnce(t, perLoop*loops)
		f.checkSpread(t)
	})
}

// TestNewSessionsFillEmptierLoops ends all sessions of half of the loops.
func TestNewSessionsFillEmptierLoops(t *testing.T) {
	eachNumberOfLoops(t, func(t *testing.T, loops int) {
		f := newFleet(t, loops, 0)
		for _, own := range f.joinOneByOne(t, perLoop*loops)[:loops/2] {
			for _, c := range own {
				c.Close()
			}
			f.want -= len(own)
		}
		testwait.Eventually(t, "the sessions are counted", func() bool { return sum(f.d.Sessions()) == f.want })
		f.joinAtOnce(t, perLoop*loops-f.want)
		f.checkSpread(t)
	})
}

// TestAllPlacesAreUsed needs the worker_connections of all loops; a session takes two.
func TestAllPlacesAreUsed(t *testing.T) {
	const limit = 20
	eachNumberOfLoops(t, func(t *testing.T, loops int) {
		f := newFleet(t, loops, limit)
		f.joinOneByOne(t, loops*limit/2)
		if _, ok := f.join(t); ok {
			t.Error("a session was taken beyond the limit")
		}
	})
}

// TestAllPlacesOfSocketsOfTheirOwnAreUsed is the same test where each loop listens on its own
// socket, and only one socket gets connections.
func TestAllPlacesOfSocketsOfTheirOwnAreUsed(t *testing.T) {
	const loops, limit = 4, 20
	env, _ := offline.NewEnv(time.Now)
	d, err := epoll.New(env, epoll.Options{Loops: loops, Connections: limit})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	busy, port := portFor(t, env, proxyTo(echo(t)))
	for range loops - 1 {
		_, idle := portFor(t, env, proxyTo(stream.Addr{}))
		port.FDs = append(port.FDs, idle.FDs...)
	}
	if err := d.Listen(port); err != nil {
		t.Fatal(err)
	}
	if !hold(t, busy, loops*limit/2) {
		t.Errorf("the loops have %v sessions, want %d each", d.Sessions(), limit/2)
	}
}

// TestSessionsSpreadInAStorm opens long sessions among many that end at once.
func TestSessionsSpreadInAStorm(t *testing.T) {
	const stay = 200 // per loop
	f := newFleet(t, 2, 0)
	over := make(chan struct{})
	var storm sync.WaitGroup
	for range 4 {
		storm.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if c, ok := f.tryJoin(); ok {
					c.Close()
				}
			}
		})
	}
	f.joinAtOnce(t, stay)
	f.joinAtOnce(t, stay)
	close(over)
	storm.Wait()
	f.checkSpread(t)
}
