package poll

import (
	"net"
	"sync"
	"sync/atomic"

	"weir/stream"
)

// A Loop is a loop as its Group uses it. The Group calls all methods but Run and Mail in the loop's
// goroutine.
type Loop interface {
	// Run serves until Stop is called, or until the last session has ended after Drain. It closes the
	// mailbox at the end.
	Run()
	// Stop makes Run return.
	Stop()
	// Drain makes Run return after the last session.
	Drain()
	// Resume undoes Drain. It reports false if Run is about to return.
	Resume() bool
	// Mail returns the loop's mailbox.
	Mail() *Mailbox
	// RemoveListener stops the use of the listener's descriptors.
	RemoveListener(id uint32)
	// StartAbort begins to abort the matching sessions.
	StartAbort(match func(*stream.Session) bool, b *stream.Budget)
}

// A Group has the loops of a driver and the listeners that they serve. It is safe for concurrent
// use. The zero Group is empty.
type Group[L comparableLoop] struct {
	running sync.WaitGroup
	closed  atomic.Bool // changed under mu

	mu      sync.Mutex
	loops   []place[L] // by number
	serving int        // the first of them accept; the others end after their last sessions
	ids     map[*stream.Listener]uint32
	serial  uint32
}

type comparableLoop interface {
	comparable
	Loop
}

// A place is that of a loop in its group.
type place[L comparableLoop] struct {
	loop  L
	taken bool // the loop has not ended
}

// Do calls f while it locks the group.
func (g *Group[L]) Do(f func() error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed.Load() {
		return net.ErrClosed
	}
	return f()
}

// Serve makes n loops serve. It resumes loops that are ending, and makes others by create, which gets the
// number of the loop. Then arrange passes the listeners to them, and takes them from the surplus loops,
// which end after their last sessions. If create fails, fewer loops serve. The caller is called by Do or
// Listen.
func (g *Group[L]) Serve(n int, create func(number int) (L, error), arrange func() error) error {
	var failed error
	for g.serving < n && failed == nil {
		failed = g.add(create)
	}
	if g.serving = min(g.serving, n); g.serving == 0 {
		return failed
	}
	if err := arrange(); failed == nil {
		failed = err
	}
	for _, p := range g.loops[g.serving:] {
		if p.taken {
			p.loop.Mail().Call(func() error { p.loop.Drain(); return nil })
		}
	}
	return failed
}

// add makes one more loop serve.
func (g *Group[L]) add(create func(number int) (L, error)) error {
	number := g.serving
	if number < len(g.loops) && g.loops[number].resume() {
		g.serving++
		return nil
	}
	l, err := create(number)
	if err != nil {
		return err
	}
	if number == len(g.loops) {
		g.loops = append(g.loops, place[L]{})
	}
	g.loops[number] = place[L]{l, true}
	g.serving++
	g.running.Go(l.Run)
	return nil
}

// resume makes the loop serve again, if it has not ended.
func (p place[L]) resume() (resumed bool) {
	return p.taken && p.loop.Mail().Call(func() error { resumed = p.loop.Resume(); return nil }) == nil && resumed
}

// Serving returns the number of loops that accept. They are the first of All. The caller is called by Do or
// Listen.
func (g *Group[L]) Serving() int { return g.serving }

// All returns all loops that have not ended. The caller is called by Do or Listen.
func (g *Group[L]) All() []L {
	var all []L
	for _, p := range g.loops {
		if p.taken {
			all = append(all, p.loop)
		}
	}
	return all
}

// Listeners calls f for each listener with its id until f fails. The caller is called by Do.
func (g *Group[L]) Listeners(f func(id uint32, p *stream.Listener) error) error {
	for p, id := range g.ids {
		if err := f(id, p); err != nil {
			return err
		}
	}
	return nil
}

// Ended removes a loop that has ended by itself, and that is not used any more. It does not block.
func (g *Group[L]) Ended(l L) {
	if g.closed.Load() {
		return
	}
	go func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		for i := range g.loops {
			if g.loops[i].loop == l {
				g.loops[i] = place[L]{}
			}
		}
	}()
}

// Listen adds p to loops by the callback, which gets an id for p. If that fails, it removes p from
// all loops again.
func (g *Group[L]) Listen(p *stream.Listener, add func(id uint32) error) error {
	return g.Do(func() error {
		g.serial++
		if g.ids == nil {
			g.ids = map[*stream.Listener]uint32{}
		}
		g.ids[p] = g.serial
		err := add(g.serial)
		if err != nil {
			g.forget(p)
		}
		return err
	})
}

// Forget removes p from all loops. After it returns, no loop uses p's descriptors.
func (g *Group[L]) Forget(p *stream.Listener) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed.Load() {
		g.forget(p)
	}
}

// forget removes p from all loops. The caller holds mu.
func (g *Group[L]) forget(p *stream.Listener) {
	id, ok := g.ids[p]
	if !ok {
		return
	}
	delete(g.ids, p)
	for _, l := range g.All() {
		l.Mail().Call(func() error { l.RemoveListener(id); return nil })
	}
}

// Abort ends the sessions that match. Each loop checks its own, a slice at a time. Abort returns
// when each loop has received the abort. A loop that has posted a session to another one has done so
// before the abort reaches either.
func (g *Group[L]) Abort(match func(*stream.Session) bool, b *stream.Budget) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed.Load() {
		return
	}
	for _, l := range g.All() {
		l.Mail().Call(func() error { return nil })
	}
	for _, l := range g.All() {
		l.Mail().Call(func() error { l.StartAbort(match, b); return nil })
	}
}

// Close stops the loops, and waits for their end. It does nothing if the group is closed.
func (g *Group[L]) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed.Swap(true) {
		return
	}
	for _, l := range g.All() {
		l.Mail().Post(func() {
			l.Mail().Shut()
			l.Stop()
		})
	}
	g.running.Wait()
}
