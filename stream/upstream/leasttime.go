package upstream

import (
	"time"

	"weir/stream"
)

// LeastTime chooses the peer that would be done first: by its average time, once for each connection that it has and once for the
// new one, for its weight; and among equals by smooth round robin (ngx_stream_upstream_least_time_module.c).
//
// A peer's average is that of its sessions that did not fail, and is learnt when they end. With inflight it is learnt as soon as the
// time is known, and a peer whose sessions in flight, those which have not come to that point, are older than its average counts as
// that slow.
func LeastTime(by Measure, inflight bool) Method { return leastTime{by, inflight} }

type leastTime struct {
	by       Measure
	inflight bool
}

func (m leastTime) measure() Measure { return m.by }

// atEnd is what is learnt when a session ends: nothing if it has been learnt before.
func (m leastTime) atEnd() Measure {
	if m.inflight && m.by != ToLastByte {
		return nothing
	}
	return m.by
}

// known reports whether n is what the method waits for, the end apart.
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

// fastest is the choice of least_time from the list.
func (p *picker) fastest(now int64) int {
	c := newContest()
	for i := range p.list().peers {
		if peer := p.open(i, now); peer != nil {
			peer.live.times.age(now)
			c.enter(i, peer.expected(now), peer.presentWeight(now))
		}
	}
	if !c.equals {
		return c.best
	}
	r := newRound()
	for i := range p.list().peers {
		if peer := p.open(i, now); peer != nil && c.compare(peer.expected(now), peer.presentWeight(now)) == 0 {
			r.enter(i, peer, peer.gain(now))
		}
	}
	return r.winner()
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

// A inflight is an attempt of one session whose time is not known yet. Its zero value is none.
type inflight struct {
	start int64 // in milliseconds, as every moment here
	under bool
}

// begin needs the group's mutex.
func (f *inflight) begin(p *Peer, ms int64) {
	*f = inflight{ms, true}
	p.live.times.flights++
	p.live.times.starts += ms
}

// arrive ends the flight, if there is one; its time is learnt unless it is negative.
func (f *inflight) arrive(g *Group, p *Peer, took time.Duration) {
	if !f.under {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	p.live.times.learn(took)
	p.live.times.flights--
	p.live.times.starts -= f.start
	*f = inflight{}
}

// A connectedTimedPicker is settled, with an attempt in flight.
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
