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

// endMeasure returns the measure recorded when a session ends: none if it was recorded earlier.
func (m leastTime) endMeasure() Measure {
	if m.inflight && m.by != ToLastByte {
		return noMeasure
	}
	return m.by
}

// awaits reports whether n is the notice that the method waits for, other than the end.
func (m leastTime) awaits(n Notice) bool {
	return m.by == ToConnect && n == Connected || m.by == ToFirstByte && n == FirstByte
}

func (m leastTime) Begin(s *stream.Session, g *Group) Picker {
	return &leastTimePicker{picker: newPicker(s, g), method: m}
}

type leastTimePicker struct {
	picker
	method  leastTime
	attempt inflight
}

func (p *leastTimePicker) Pick() (*Peer, error) {
	now := p.now()
	p.set.group.mu.Lock()
	defer p.set.group.mu.Unlock()
	peer, err := p.choose((*picker).fastest, now)
	if err == nil && p.method.inflight {
		p.attempt.begin(peer, now)
	}
	return peer, err
}

// fastest returns the choice of least_time from the list.
func (p *picker) fastest(now int64) int {
	least := newLeastLoad()
	for i, c := range p.candidates(now) {
		c.state.times.recordAge(now)
		least.add(i, c.expected(now), c.presentWeight(now))
	}
	if !least.equals {
		return least.best
	}
	r := newRound()
	for i, c := range p.candidates(now) {
		if least.compare(c.expected(now), c.presentWeight(now)) == 0 {
			r.add(i, c.state, c.gain(now))
		}
	}
	return r.end()
}

func (p *leastTimePicker) Notify(peer *Peer, n Notice, took time.Duration) {
	p.picker.Notify(peer, n, took)
	if p.attempt.active && p.method.awaits(n) {
		p.attempt.end(p.set.group, peer, took)
	}
}

func (p *leastTimePicker) Established() Picker {
	if !p.attempt.active {
		return p.picker.Established()
	}
	return &connectedTimedPicker{(*connectedPicker)(p.set.group), p.attempt}
}

func (p *leastTimePicker) Free(peer *Peer, o Outcome, t *stream.Try) {
	p.attempt.end(p.set.group, peer, notReached)
	p.picker.Free(peer, o, t)
}

// inflight is an attempt of one session whose time is not known yet. The zero value means none.
type inflight struct {
	start  int64 // in milliseconds, like all times here
	active bool
}

// begin starts the attempt. The caller holds the group's mutex.
func (f *inflight) begin(p *Peer, ms int64) {
	*f = inflight{ms, true}
	p.state.times.inflight++
	p.state.times.startSum += ms
}

// end ends the attempt, if there is one, and records its time unless it is negative.
func (f *inflight) end(g *Group, p *Peer, took time.Duration) {
	if !f.active {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	p.state.times.record(took)
	p.state.times.inflight--
	p.state.times.startSum -= f.start
	*f = inflight{}
}

// A connectedTimedPicker is a connectedPicker with an attempt in flight.
type connectedTimedPicker struct {
	*connectedPicker
	attempt inflight
}

func (p *connectedTimedPicker) Notify(peer *Peer, n Notice, took time.Duration) {
	p.connectedPicker.Notify(peer, n, took)
	g := (*Group)(p.connectedPicker)
	if p.attempt.active && g.Method.(leastTime).awaits(n) {
		p.attempt.end(g, peer, took)
	}
}

func (p *connectedTimedPicker) Established() Picker { return p }

func (p *connectedTimedPicker) Free(peer *Peer, o Outcome, t *stream.Try) {
	p.attempt.end((*Group)(p.connectedPicker), peer, notReached)
	p.connectedPicker.Free(peer, o, t)
}
