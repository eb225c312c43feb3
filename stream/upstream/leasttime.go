package upstream

import (
	"time"

	"weir/stream"
)

// LeastTime chooses the peer with the earliest expected completion: its average time, multiplied by
// its connections plus the new one, divided by its weight; on ties it uses smooth round robin
// (ngx_stream_upstream_least_time_module.c).
//
// A peer's average covers its sessions that did not fail, and is updated when they end. With
// inflight it is updated as soon as the time is known, and a peer whose sessions in flight, those
// that have not reached that point, are older than its average counts with their age.
func LeastTime(by Measure, inflight bool) Method { return leastTime{by, inflight} }

type leastTime struct {
	by       Measure
	inflight bool
}

func (m leastTime) measure() Measure { return m.by }

// atEnd returns the measure recorded when a session ends: none if it was recorded earlier.
func (m leastTime) atEnd() Measure {
	if m.inflight && m.by != ToLastByte {
		return nothing
	}
	return m.by
}

// known reports whether n is the notice that the method waits for, other than the end.
func (m leastTime) known(n Notice) bool {
	return m.by == ToConnect && n == Connected || m.by == ToFirstByte && n == FirstByte
}

func (m leastTime) Begin(s *stream.Session, g *Group) Picker {
	return &leastTimePicker{picker: newPicker(s, g), method: m}
}

type leastTimePicker struct {
	picker
	method leastTime
	flight inflight
}

func (p *leastTimePicker) Pick() (*Peer, error) {
	now := p.now()
	p.set.group.mu.Lock()
	defer p.set.group.mu.Unlock()
	peer, err := p.descend((*picker).fastest, now)
	if err == nil && p.method.inflight {
		p.flight.begin(peer, now)
	}
	return peer, err
}

// fastest returns the choice of least_time from the list.
func (p *picker) fastest(now int64) int {
	least := newContest()
	for i := range p.list().candidates {
		if c := p.open(i, now); c != nil {
			c.state.times.age(now)
			least.enter(i, c.expected(now), c.presentWeight(now))
		}
	}
	if !least.equals {
		return least.best
	}
	r := newRound()
	for i := range p.list().candidates {
		if c := p.open(i, now); c != nil && least.compare(c.expected(now), c.presentWeight(now)) == 0 {
			r.enter(i, c.state, c.gain(now))
		}
	}
	return r.end()
}

func (p *leastTimePicker) Notify(peer *Peer, n Notice, took time.Duration) {
	p.picker.Notify(peer, n, took)
	if p.flight.under && p.method.known(n) {
		p.flight.arrive(p.set.group, peer, took)
	}
}

func (p *leastTimePicker) Settle() Picker {
	if !p.flight.under {
		return p.picker.Settle()
	}
	return &connectedTimedPicker{(*connectedPicker)(p.set.group), p.flight}
}

func (p *leastTimePicker) Free(peer *Peer, o Outcome, t *stream.Try) {
	p.flight.arrive(p.set.group, peer, never)
	p.picker.Free(peer, o, t)
}

// inflight is an attempt of one session whose time is not known yet. The zero value means none.
type inflight struct {
	start int64 // in milliseconds, like all times here
	under bool
}

// begin starts the attempt. The caller holds the group's mutex.
func (f *inflight) begin(p *Peer, ms int64) {
	*f = inflight{ms, true}
	p.state.times.flights++
	p.state.times.starts += ms
}

// arrive ends the attempt, if there is one, and records its time unless it is negative.
func (f *inflight) arrive(g *Group, p *Peer, took time.Duration) {
	if !f.under {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	p.state.times.learn(took)
	p.state.times.flights--
	p.state.times.starts -= f.start
	*f = inflight{}
}

// A connectedTimedPicker is a connectedPicker with an attempt in flight.
type connectedTimedPicker struct {
	*connectedPicker
	flight inflight
}

func (p *connectedTimedPicker) Notify(peer *Peer, n Notice, took time.Duration) {
	g := (*Group)(p.connectedPicker)
	if p.flight.under && g.Method.(leastTime).known(n) {
		p.flight.arrive(g, peer, took)
	}
}

func (p *connectedTimedPicker) Settle() Picker { return p }

func (p *connectedTimedPicker) Free(peer *Peer, o Outcome, t *stream.Try) {
	p.flight.arrive((*Group)(p.connectedPicker), peer, never)
	p.connectedPicker.Free(peer, o, t)
}
