package poll

import (
	"net"
	"sync"

	"weir/stream"
)

// A Loop is a loop as its Group uses it. The Group calls all methods but Run and Mail in the loop's
// goroutine.
type Loop interface {
	// Run serves until Stop is called. It closes the mailbox at the end.
	Run()
	// Stop makes Run return.
	Stop()
	// Mail returns the loop's mailbox.
	Mail() *Mailbox
	// RemoveListener stops the use of the listener's descriptors.
	RemoveListener(id uint32)
	// StartAbort begins to abort the matching sessions.
	StartAbort(match func(*stream.Session) bool, b *stream.Budget)
}

// A Group has the loops of a driver and the listeners that they serve. It is safe for concurrent
// use. The zero Group is empty.
type Group struct {
	running sync.WaitGroup

	mu     sync.Mutex
	loops  []Loop
	ids    map[*stream.Listener]uint32
	serial uint32
	closed bool
}

// Start runs another loop. It does not lock the group: the caller has no other use of the group yet,
// or is called by Listen.
func (g *Group) Start(l Loop) {
	g.loops = append(g.loops, l)
	g.running.Go(l.Run)
}

// Listen adds p to loops by the callback, which gets an id for p. If that fails, it removes p from
// all loops again.
func (g *Group) Listen(p *stream.Listener, add func(id uint32) error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return net.ErrClosed
	}
	g.serial++
	if g.ids == nil {
		g.ids = map[*stream.Listener]uint32{}
	}
	g.ids[p] = g.serial
	if err := add(g.serial); err != nil {
		g.forget(p)
		return err
	}
	return nil
}

// Forget removes p from all loops. After it returns, no loop uses p's descriptors.
func (g *Group) Forget(p *stream.Listener) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.forget(p)
	}
}

// forget removes p from all loops. The caller holds mu.
func (g *Group) forget(p *stream.Listener) {
	id, ok := g.ids[p]
	if !ok {
		return
	}
	delete(g.ids, p)
	for _, l := range g.loops {
		l.Mail().Call(func() error { l.RemoveListener(id); return nil })
	}
}

// Abort ends the sessions that match. Each loop checks its own, a slice at a time. Abort returns
// when each loop has received the abort. A loop that has posted a session to another one has done so
// before the abort reaches either.
func (g *Group) Abort(match func(*stream.Session) bool, b *stream.Budget) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	for _, l := range g.loops {
		l.Mail().Call(func() error { return nil })
	}
	for _, l := range g.loops {
		l.Mail().Call(func() error { l.StartAbort(match, b); return nil })
	}
}

// Close stops the loops, and waits for their end. It does nothing if the group is closed.
func (g *Group) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	g.closed = true
	for _, l := range g.loops {
		l.Mail().Post(func() {
			l.Mail().Shut()
			l.Stop()
		})
	}
	g.running.Wait()
}
