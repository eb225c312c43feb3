package upstream

import (
	"slices"
	"time"

	"weir/internal/relay"
	"weir/stream"
)

// RoundRobin is smooth weighted round robin, the method of a group that names none (ngx_stream_upstream_round_robin.c). Every
// other method falls back on it.
var RoundRobin Method = roundRobin{}

type roundRobin struct{}

func (roundRobin) Begin(s *stream.Session, g *Group) Picker {
	p := newPicker(s, g)
	return &p
}

// A picker is what the pickers of all methods have in common, and by itself the one of round robin.
type picker struct {
	session *stream.Session
	set     *PeerSet // the group's when the session chose last, or began
	tried   bitmap   // of the list in use
	backups bool     // the primaries are used up: the list in use is that of the backups, for the rest of the session
}

func newPicker(s *stream.Session, g *Group) picker {
	return picker{session: s, set: g.set.Load()}
}

func (p *picker) Group() string { return p.set.group.Name }

func (p *picker) Tries() int { return p.set.primary.tries + p.set.backup.tries }

func (p *picker) Pick() (*Peer, error) {
	now := p.now()
	p.set.group.mu.Lock()
	defer p.set.group.mu.Unlock()
	return p.roundRobin(now)
}

// Notify counts a connection as a success; TCP peers are as good as tested then, and UDP peers are not before the end.
func (p *picker) Notify(peer *Peer, n Notice, _ time.Duration) {
	if n != Connected || p.session.UDP() {
		return
	}
	p.set.group.mu.Lock()
	defer p.set.group.mu.Unlock()
	peer.succeed()
}

func (p *picker) Settle() Picker { return (*connectedPicker)(p.set.group) }

func (p *picker) Free(peer *Peer, o Outcome, t *stream.Try) {
	if p.release(peer, o, t) {
		p.session.Log(stream.LevelWarn, "upstream server temporarily disabled", nil)
	}
}

// release gives peer back and reports whether it has become disabled. The single peer of a group is never: failures do not count.
func (p *picker) release(peer *Peer, o Outcome, t *stream.Try) (disabled bool) {
	now := p.now()
	p.set.group.mu.Lock()
	defer p.set.group.mu.Unlock()
	peer.release()
	if o == Succeeded {
		p.set.group.learn(peer, t)
	}
	if o == Short {
		peer.live.rest = now + restMillis
	}
	if p.set.single {
		return false
	}
	switch o {
	case Succeeded:
		peer.succeed()
	case Failed:
		return peer.fail(now)
	case Untried, Short:
		peer.unprobe()
	}
	return false
}

// now is the moment in milliseconds. It is asked before the mutex is taken.
func (p *picker) now() int64 { return millis(p.session.Env.Now()) }

// millis is t in milliseconds since 1970, by a clock that nobody sets.
func millis(t time.Time) int64 { return relay.Monotonic(t) / int64(time.Millisecond) }

// list is the peers that are being chosen from.
func (p *picker) list() *peerList {
	if p.backups {
		return &p.set.backup
	}
	return &p.set.primary
}

// follow goes over to the peers that the group has now, and reports whether they are others than before. nginx gives up instead; here
// no session is to fail for want of a server that is there. It begins with the primaries again; those that it has tried, or found out
// of use before it came to the backups, stay tried.
func (p *picker) follow() bool {
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
		if j := slices.Index(before.set.primary.peers, peer); j >= 0 && (before.backups || before.tried.has(j)) {
			p.tried.set(i, len(set.primary.peers))
		}
	}
	return true
}

// open returns the i-th peer of the list if it may be chosen, and nil otherwise.
func (p *picker) open(i int, now int64) *Peer {
	if p.tried.has(i) {
		return nil
	}
	if peer := p.list().peers[i]; peer.usable(now) {
		return peer
	}
	return nil
}

// take settles on the i-th peer of the list.
func (p *picker) take(i int, now int64) (*Peer, error) {
	peers := p.list().peers
	peer := peers[i]
	p.tried.set(i, len(peers))
	peer.take(now)
	return peer, nil
}

// none is the place of a peer that there is not.
const none = -1

func (p *picker) roundRobin(now int64) (*Peer, error) { return p.descend((*picker).smoothest, now) }

// descend chooses among the primaries, and when none is left, among the backups, where the session starts with nothing tried.
func (p *picker) descend(choose func(p *picker, now int64) int, now int64) (*Peer, error) {
	p.follow()
	for {
		if i := choose(p, now); i != none {
			return p.take(i, now)
		}
		if p.backups {
			return nil, ErrNoLivePeers
		}
		p.backups = true
		p.tried.clear()
	}
}

// smoothest is the choice of smooth weighted round robin from the whole list.
func (p *picker) smoothest(now int64) int {
	r := newRound()
	for i := range p.list().peers {
		if peer := p.open(i, now); peer != nil {
			r.enter(i, peer, peer.gain(now))
		}
	}
	return r.winner()
}

// smoothestOf is the choice of smooth weighted round robin from some of the list.
func (p *picker) smoothestOf(some []int32, now int64) int {
	r := newRound()
	for _, i := range some {
		if peer := p.open(int(i), now); peer != nil {
			r.enter(int(i), peer, peer.gain(now))
		}
	}
	return r.winner()
}

// A round is one choice of smooth weighted round robin: everyone who enters gains its effective weight, the largest sum wins, the
// first on ties, and the winner pays what all have gained. Effective weights recover by one with each round. They count in hundredths,
// so that slow_start can take a share of them.
type round struct {
	best  int
	peer  *Peer
	total int64
}

func newRound() round { return round{best: none} }

func (r *round) enter(i int, p *Peer, gain int64) {
	p.live.current += gain
	r.total += gain
	if r.peer == nil || p.live.current > r.peer.live.current {
		r.best, r.peer = i, p
	}
}

// gain is what a turn brings the peer: its effective weight, which recovers by one.
func (p *Peer) gain(now int64) int64 {
	if p.live.weakened {
		return p.reducedGain(now)
	}
	return int64(p.Weight) * whole
}

func (p *Peer) reducedGain(now int64) int64 {
	effective := p.Weight - p.live.lost
	if p.live.lost > 0 {
		p.live.lost--
	}
	gain := int64(effective) * p.share(now)
	p.live.weakened = p.live.lost > 0 || p.live.ramp.since > 0
	return gain
}

// winner returns the winner's place, or none if nobody has entered.
func (r *round) winner() int {
	if r.peer != nil {
		r.peer.live.current -= r.total
	}
	return r.best
}
