package upstream

import (
	"iter"
	"slices"
	"time"

	"weir/internal/relay"
	"weir/stream"
)

// RoundRobin is smooth weighted round robin, the default method of a group
// (ngx_stream_upstream_round_robin.c). Every other method falls back on it.
var RoundRobin Method = roundRobin{}

type roundRobin struct{}

func (roundRobin) Begin(s *stream.Session, g *Group) Picker {
	p := newPicker(s, g)
	return &p
}

// A picker is the common part of the pickers of all methods, and the picker of round robin.
type picker struct {
	session *stream.Session
	set     *PeerSet // the group's set when the session last chose, or began
	tried   bitmap   // of the list in use
	place   *place   // in the queue; nil while the session does not wait
	backups bool     // the list in use is the backups, for the rest of the session, because the primaries are used up
}

func newPicker(s *stream.Session, g *Group) picker {
	return picker{session: s, set: g.set.Load()}
}

func (p *picker) Group() *Group { return p.set.group }

func (p *picker) Tries() int { return p.set.primary.tries + p.set.backup.tries }

func (p *picker) Pick() (*Peer, error) {
	now := p.now()
	p.set.group.mu.Lock()
	defer p.set.group.mu.Unlock()
	return p.roundRobin(now)
}

// Notify counts a connection as a success: a TCP peer is then considered tested, a UDP peer only at
// the end.
func (p *picker) Notify(peer *Peer, n Notice, took time.Duration) {
	succeeds, z := n == Connected && !p.session.UDP(), peer.state.zoned
	if !succeeds && z == nil {
		return
	}
	p.set.group.mu.Lock()
	defer p.set.group.mu.Unlock()
	if z != nil {
		z.countNotice(n, took)
	}
	if succeeds {
		p.set.group.succeed(peer)
	}
}

func (p *picker) Established() Picker { return (*connectedPicker)(p.set.group) }

func (p *picker) Free(peer *Peer, o Outcome, t *stream.Try) {
	if p.release(peer, o, t) {
		p.session.Log(stream.LevelWarn, "upstream server temporarily disabled", nil)
	}
}

// release releases peer and reports whether it has become disabled. The only peer of a group never
// is: its failures are not counted.
func (p *picker) release(peer *Peer, o Outcome, t *stream.Try) (disabled bool) {
	now := p.now()
	p.set.group.mu.Lock()
	defer p.set.group.mu.Unlock()
	peer.release()
	if o == Succeeded {
		p.set.group.recordTime(peer, t)
		peer.countTry(t)
	}
	if o == Failed {
		peer.countFailure()
	}
	if o == Shortage {
		peer.state.restsUntil = now + restMillis
	}
	if p.set.single {
		return false
	}
	switch o {
	case Succeeded:
		p.set.group.succeed(peer)
	case Failed:
		return peer.fail(now)
	case Untried, Shortage:
		peer.endProbe()
	}
	return false
}

// now returns the time in milliseconds. It is called before the mutex is taken.
func (p *picker) now() int64 { return millis(p.session.Env.Now()) }

// millis returns t in milliseconds since 1970, by a monotonic clock.
func millis(t time.Time) int64 { return relay.Monotonic(t) / int64(time.Millisecond) }

// list returns the list in use.
func (p *picker) list() *peerList {
	if p.backups {
		return &p.set.backup
	}
	return &p.set.primary
}

// update switches to the current peers of the group, and reports whether they changed. nginx gives
// up instead; here a session must not fail while a server is available. It starts with the
// primaries again; those that it tried, or found out of use before it turned to the backups, stay
// tried.
func (p *picker) update() bool {
	set := p.set.group.set.Load()
	if set == p.set {
		return false
	}
	before := *p
	p.set, p.backups, p.tried = set, false, bitmap{}
	if !before.backups && before.tried.empty() {
		return true
	}
	for i, peer := range set.primary.peers {
		same := func(p *Peer) bool { return p.state == peer.state }
		if j := slices.IndexFunc(before.set.primary.peers, same); j >= 0 && (before.backups || before.tried.has(j)) {
			p.tried.set(i, len(set.primary.peers))
		}
	}
	return true
}

// candidates yields the candidates of the list that may be chosen, with their numbers.
func (p *picker) candidates(now int64) iter.Seq2[int, *candidate] {
	return func(yield func(int, *candidate) bool) {
		list := p.list().candidates
		for i := range list {
			c := &list[i]
			if p.tried.has(i) || !c.usable(now) || c.gate != nil && !p.passes(c.gate, now) {
				continue
			}
			if !yield(i, c) {
				return
			}
		}
	}
}

// available returns the i-th candidate of the list if it may be chosen, otherwise nil.
func (p *picker) available(i int, now int64) *candidate {
	if p.tried.has(i) {
		return nil
	}
	if c := &p.list().candidates[i]; c.usable(now) && (c.gate == nil || p.passes(c.gate, now)) {
		return c
	}
	return nil
}

// take chooses the i-th peer of the list.
func (p *picker) take(i int, now int64) (*Peer, error) {
	l := p.list()
	p.tried.set(i, len(l.peers))
	l.candidates[i].take(now)
	if g := l.candidates[i].gate; g != nil {
		p.pass(g, now)
	}
	if p.place != nil {
		p.leave(now)
	}
	return l.peers[i], nil
}

// none means no peer was found.
const none = -1

func (p *picker) roundRobin(now int64) (*Peer, error) { return p.choose((*picker).nextInTurn, now) }

// choose chooses among the primaries, and if none is left, among the backups, where the session
// starts with an empty set of tried peers. If there is none, the session may wait in the queue.
func (p *picker) choose(choose func(p *picker, now int64) int, now int64) (*Peer, error) {
	p.update()
	backups, tried := p.backups, p.tried
	for {
		if i := choose(p, now); i != none {
			return p.take(i, now)
		}
		if p.backups {
			break
		}
		p.backups = true
		p.tried.clear()
	}
	if !p.mayWait() {
		return nil, ErrNoLivePeers
	}
	p.backups, p.tried = backups, tried
	return nil, p.waitForAny(now)
}

// nextInTurn returns the choice of smooth weighted round robin from the whole list.
func (p *picker) nextInTurn(now int64) int {
	r := newRound()
	for i, c := range p.candidates(now) {
		r.add(i, c.state, c.gain(now))
	}
	return r.end()
}

// nextInTurnOf returns the choice of smooth weighted round robin from some of the list.
func (p *picker) nextInTurnOf(some []int32, now int64) int {
	r := newRound()
	for _, i := range some {
		if c := p.available(int(i), now); c != nil {
			r.add(int(i), c.state, c.gain(now))
		}
	}
	return r.end()
}

// A round is one choice of smooth weighted round robin: each candidate's current weight grows by
// its effective weight; the largest wins (first on ties) and is reduced by the total. Effective
// weights recover by one with each round. They count in hundredths, so that slow_start can take a
// share of them.
type round struct {
	best   int
	winner *peerState // nil without candidates
	total  int64
}

func newRound() round { return round{best: none} }

func (r *round) add(i int, s *peerState, gain int64) {
	s.current += gain
	r.total += gain
	if r.winner == nil || s.current > r.winner.current {
		r.best, r.winner = i, s
	}
}

// gain returns the effective weight of the peer in a round; the weight recovers by one.
func (c *candidate) gain(now int64) int64 {
	if c.state.reduced {
		return c.reducedGain(now)
	}
	return int64(c.weight) * fullShare
}

func (c *candidate) reducedGain(now int64) int64 {
	s := c.state
	effective := c.weight - s.lostWeight
	if s.lostWeight > 0 {
		s.lostWeight--
	}
	gain := int64(effective) * c.share(now)
	s.reduced = s.lostWeight > 0 || s.slowStart.since > 0
	return gain
}

// end reduces the winner and returns its index, or none without candidates.
func (r *round) end() int {
	if r.winner != nil {
		r.winner.current -= r.total
	}
	return r.best
}
