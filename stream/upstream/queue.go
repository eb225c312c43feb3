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

// A place is a session's place in the queue. The zero place is none.
type place struct {
	waits bool
	gate  *gate // of the server that it waits for; nil if it waits for any
	at    int64 // the reserved time
}

// mayWait reports whether the queue of the group has a place for the session.
func (p *picker) mayWait() bool {
	q := p.set.group.queue
	return q != nil && !p.session.UDP() && (p.place.waits || q.waiting < q.size)
}

// passes reports whether the rate of the candidate allows the session to connect now.
func (p *picker) passes(c *candidate, now int64) bool {
	switch c.gate {
	case nil:
		return true
	case p.place.gate:
		return p.place.at <= micros(now)
	}
	return c.gate.isOpen(micros(now))
}

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
		case c.gate == p.place.gate:
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
	if at == nil || at != p.place.gate {
		p.releasePlace(now)
	}
	if !p.place.waits {
		p.set.group.queue.waiting++
		p.place.waits = true
	}
	if at == nil {
		return &Queued{}
	}
	if p.place.gate == nil {
		p.place.gate, p.place.at = at, at.reserve(micros(now))
	}
	return &Queued{Wait: time.Duration(p.place.at-micros(now))*time.Microsecond + time.Millisecond} // now is rounded down
}

// releasePlace gives back the reservation, and keeps the place.
func (p *picker) releasePlace(now int64) {
	if p.place.gate != nil {
		p.place.gate.release(p.place.at, micros(now))
		p.place.gate = nil
	}
}

// connects counts a connection to the candidate for its rate, and ends the wait.
func (p *picker) connects(c *candidate, now int64) {
	if c.gate != nil && c.gate == p.place.gate {
		p.place.gate = nil
	} else if c.gate != nil {
		c.gate.reserve(micros(now))
	}
	p.leave(now)
}

// leave leaves the queue.
func (p *picker) leave(now int64) {
	p.releasePlace(now)
	if p.place.waits {
		p.set.group.queue.waiting--
	}
	p.place = place{}
}

// Leave implements Picker.
func (p *picker) Leave() {
	if !p.place.waits {
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
