package upstream

import (
	"slices"
	"sync/atomic"
	"time"

	"weir/stream"
)

// A Peer is one address of a server. Its exported fields do not change once it is in a group.
type Peer struct {
	Server      string // as configured, "b.example:1883": all addresses of one server share it
	Name        string // the address as nginx prints it
	Addr        stream.Addr
	FailTimeout time.Duration // whole seconds
	SlowStart   time.Duration // whole milliseconds; 0: none
	Weight      int           // at least 1
	MaxFails    int           // 0: failures are not counted
	MaxConns    int           // 0: no limit
	Down        bool
	Backup      bool

	// conns is how many sessions hold the server: live.conns of this peer, or of the same server in an earlier configuration. The group's
	// mutex guards it.
	conns *int
	live  peerState
	left  *atomic.Bool // made when the peer comes into a group
}

// Left is set when the peer has left its group, for good. It is nil before the peer is in one.
func (p *Peer) Left() *atomic.Bool { return p.left }

// peerState is what changes while sessions run; the group's mutex guards it. Its zero value is that of a fresh peer. Times are seconds
// of a clock that nobody sets, as nginx compares them, if nothing else is said; the moment now is everywhere in milliseconds.
type peerState struct {
	current  int64 // smooth weighted round robin's running sum
	lost     int   // how much failures have taken from the weight; the rest is the effective weight
	conns    int   // sessions that hold the peer
	weakened bool  // the effective weight is not the whole one
	ramp     slowStart
	fails    int   // failed attempts since the last success that cleared them
	accessed int64 // the last failure
	checked  int64 // the last failure, or the choice that probed the peer after its pause
	rest     int64 // until when, in milliseconds, nobody is given the peer because of an attempt that was Short
	times    times
}

// restMillis is short enough for a session that waits, and long enough for an attempt that has to look at every port.
const restMillis = 100

// second is the second of a moment.
func second(now int64) int64 { return now / 1000 }

// usable reports whether the peer may be chosen.
func (p *Peer) usable(now int64) bool {
	return !p.Down && !p.failed(now) && now >= p.live.rest && (p.MaxConns == 0 || *p.conns < p.MaxConns)
}

// failed reports whether the peer is in its pause after max_fails failures. Seconds are compared, so it may last almost one longer
// than fail_timeout.
func (p *Peer) failed(now int64) bool {
	return p.MaxFails > 0 && p.live.fails >= p.MaxFails && second(now)-p.live.checked <= p.pause()
}

// pause is fail_timeout in seconds.
func (p *Peer) pause() int64 { return int64(p.FailTimeout / time.Second) }

// take counts a session that has chosen the peer. The first to do so after the pause probes it: others keep away until then.
func (p *Peer) take(now int64) {
	*p.conns++
	if second(now)-p.live.checked > p.pause() {
		p.live.checked = second(now)
		p.live.ramp.probed = now
	}
}

// release gives a session's place back.
func (p *Peer) release() {
	if *p.conns == 0 {
		panic("upstream: peer " + p.Name + " freed more often than picked")
	}
	*p.conns--
}

// fail counts a failed attempt, and reports whether the limit has been reached.
func (p *Peer) fail(now int64) bool {
	p.live.fails++
	p.live.accessed, p.live.checked = second(now), second(now)
	if p.MaxFails == 0 {
		return false
	}
	p.live.lost = min(p.live.lost+p.Weight/p.MaxFails, p.Weight)
	p.live.weakened = true
	return p.live.fails >= p.MaxFails
}

// succeed forgets the failures if the peer was probed after the last of them. As checked moves only after a pause, a success soon
// after a failure clears nothing.
func (p *Peer) succeed() {
	if p.live.accessed >= p.live.checked {
		return
	}
	if p.SlowStart > 0 && p.MaxFails > 0 && p.live.fails >= p.MaxFails {
		p.live.ramp.start()
		p.live.weakened = true
	}
	p.live.fails = 0
}

// unprobe has another session probe the peer. It leaves a peer alone that is not out of use.
func (p *Peer) unprobe() {
	if p.live.fails > 0 {
		p.live.checked = p.live.accessed
	}
}

// A PeerSet is the peers of a group at one time, with what the method derives from them. It is immutable.
type PeerSet struct {
	group   *Group
	primary peerList
	backup  peerList
	single  bool // one primary and no backup: its failures do not count
	derived any
}

func newPeerSet(g *Group, peers []*Peer) *PeerSet {
	set := &PeerSet{group: g}
	for _, p := range peers {
		if p.Backup {
			set.backup.add(p)
			continue
		}
		set.primary.add(p)
	}
	set.single = len(set.primary.peers) == 1 && len(set.backup.peers) == 0
	return set
}

// leave marks the peers that are not among those of the next set.
func (s *PeerSet) leave(next []*Peer) {
	stay := make(map[*Peer]bool, len(next))
	for _, p := range next {
		stay[p] = true
	}
	for _, list := range [...][]*Peer{s.primary.peers, s.backup.peers} {
		for _, p := range list {
			if !stay[p] {
				p.left.Store(true)
			}
		}
	}
}

// A peerList is the primaries of a set, or its backups.
type peerList struct {
	peers  []*Peer
	starts []int64 // the sum of the weights before each peer
	weight int64   // of all peers
	tries  int     // peers that are not down
}

func (l *peerList) add(p *Peer) {
	l.peers = append(l.peers, p)
	l.starts = append(l.starts, l.weight)
	l.weight += int64(p.Weight)
	if !p.Down {
		l.tries++
	}
}

// at returns the number of the peer in whose share of the weights w lies.
func (l *peerList) at(w int64) int {
	i, found := slices.BinarySearch(l.starts, w)
	if !found {
		i--
	}
	return i
}
