package upstream

import (
	"math"
	"time"
)

// A Queued is the error of a choice that found no server yet: the session waits in the queue of the group
// and then chooses again with the same Picker.
type Queued struct {
	Wait time.Duration // until the session may connect; 0 if that is not known
}

// Error returns the text for a session that does not wait.
func (*Queued) Error() string { return ErrNoLivePeers.Error() }

// A queue limits how many sessions wait for servers of a group. The group's mutex guards waiting.
type queue struct {
	size    int
	timeout time.Duration
	waiting int
}

// SetQueue makes up to size sessions wait for a server, each no longer than timeout. It is called before the
// group is open.
func (g *Group) SetQueue(size int, timeout time.Duration) {
	g.queue = &queue{size: size, timeout: timeout}
}

// QueueLimits returns how many sessions may wait, and how long.
func (g *Group) QueueLimits() (size int, timeout time.Duration) {
	if g.queue == nil {
		return 0, 0
	}
	return g.queue.size, g.queue.timeout
}

// Waiting returns how many sessions wait in the queue.
func (g *Group) Waiting() int {
	if g.queue == nil {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.queue.waiting
}

// A place is a session's place in the queue.
type place struct {
	gate *gate // of the server that it waits for; nil if it waits for any
	at   int64 // the reserved time
}

// mayWait reports whether the queue of the group has a place for the session.
func (p *picker) mayWait() bool {
	q := p.set.group.queue
	return q != nil && !p.session.UDP() && (p.place != nil || q.waiting < q.size)
}

// passes reports whether the gate allows the session to connect now.
func (p *picker) passes(g *gate, now int64) bool {
	if p.waitsFor(g) {
		return p.place.at <= micros(now)
	}
	return g.isOpen(micros(now))
}

// waitsFor reports whether the session has a reservation at the gate.
func (p *picker) waitsFor(g *gate) bool { return p.place != nil && p.place.gate == g }

// waitFor makes the session wait for one of these candidates of the list, if only the rate keeps it from
// them and the queue has a place. It returns nil if the session does not wait.
func (p *picker) waitFor(some []int32, now int64) *Queued {
	if !p.mayWait() {
		return nil
	}
	for _, i := range some {
		if c := p.limited(int(i), now); c != nil {
			return p.wait(c.gate, now)
		}
	}
	return nil
}

// waitForAny makes the session wait for the server of the list that it may connect to first, or for any
// other that may be available later.
func (p *picker) waitForAny(now int64) *Queued {
	var first *gate
	earliest := int64(math.MaxInt64)
	for i := range p.list().candidates {
		c := p.limited(i, now)
		switch {
		case c == nil:
		case p.waitsFor(c.gate):
			return p.wait(c.gate, now)
		case c.gate.earliest() < earliest:
			first, earliest = c.gate, c.gate.earliest()
		}
	}
	return p.wait(first, now)
}

// earliest returns the time that the next reservation gets.
func (g *gate) earliest() int64 {
	if len(g.freed) > 0 {
		return g.freed[0]
	}
	return g.next
}

// limited returns the i-th candidate of the list if only its rate keeps the session from it.
func (p *picker) limited(i int, now int64) *candidate {
	c := &p.list().candidates[i]
	if c.gate == nil || p.tried.has(i) || !c.usable(now) {
		return nil
	}
	return c
}

// wait takes a place in the queue, with a reservation at the gate, which may be nil.
func (p *picker) wait(at *gate, now int64) *Queued {
	if p.place == nil {
		p.set.group.queue.waiting++
		p.place = &place{}
	}
	if p.place.gate != at {
		p.place.release(now)
	}
	if at == nil {
		return &Queued{}
	}
	if p.place.gate == nil {
		*p.place = place{gate: at, at: at.reserve(micros(now))}
	}
	return &Queued{Wait: time.Duration(p.place.at-micros(now))*time.Microsecond + time.Millisecond} // now is rounded down
}

// release gives back the reservation, if there is one.
func (l *place) release(now int64) {
	if l.gate != nil {
		l.gate.release(l.at, micros(now))
		l.gate = nil
	}
}

// pass counts a connection to the server of the gate.
func (p *picker) pass(g *gate, now int64) {
	if p.waitsFor(g) {
		p.place.gate = nil
		return
	}
	g.reserve(micros(now))
}

// leave leaves the queue.
func (p *picker) leave(now int64) {
	p.place.release(now)
	p.place = nil
	p.set.group.queue.waiting--
}

// Leave implements Picker.
func (p *picker) Leave() {
	if p.place == nil {
		return
	}
	now := p.now()
	p.set.group.mu.Lock()
	defer p.set.group.mu.Unlock()
	p.leave(now)
}

// inheritGates continues the rates of the servers that both groups have. The caller holds the mutex.
func (g *Group) inheritGates(before *Group) {
	known := map[serverKey]*gate{}
	for _, p := range before.Peers() {
		if p.state.gate != nil {
			known[p.key()] = p.state.gate
		}
	}
	for _, p := range g.Peers() {
		if was := known[p.key()]; was != nil && p.state.gate != nil {
			p.state.gate.schedule = was.schedule
		}
	}
}
