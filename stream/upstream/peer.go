package upstream

import (
	"slices"
	"sync/atomic"
	"time"

	"weir/stream"
)

// A Peer is one address of a server in a group. It is immutable: other settings make another Peer
// with the same state and ID, in another PeerSet.
type Peer struct {
	*PeerConf
	state  *peerState
	relays atomic.Pointer[peerRelay]
	ID     int // unique in the group, in the order in which the peers were made
}

// PeerConf is the configuration of a peer. It does not change once a peer has it.
type PeerConf struct {
	Server      string // as configured, "b.example:1883"; shared by all addresses of one server
	Name        string // the address as nginx prints it
	Addr        stream.Addr
	FailTimeout time.Duration // whole seconds
	SlowStart   time.Duration // whole milliseconds; 0 disables it
	Weight      int           // at least 1
	MaxFails    int           // 0 disables the counting of failures
	MaxConns    int           // 0 means no limit
	ConnectRate int           // connections per second; 0 means no limit
	Down        bool
	IsResolved  bool // Server is a name that was looked up when the configuration was read
	Drain       bool // it gets no new session and keeps those that it has
	Backup      bool
	Written     *Written // nil for the defaults
}

// Left returns a flag that is set while the peer is down or unhealthy, and once it has left its
// group. In a group with a zone, the peers of one server in successive configurations share the
// flag.
func (p *Peer) Left() *atomic.Bool {
	if z := p.state.zoned; z != nil {
		return &z.left
	}
	return &p.state.left
}

// setDropped sets the flag of Left for a peer that is in the group, which has a zone. At the rate of the
// group the sessions of a peer that is down end without the flag. The caller holds the group's mutex.
func (g *Group) setDropped(p *Peer) {
	if z := p.state.zoned; z.owner == p.state {
		z.left.Store(p.Down && !g.isPaced() || p.state.health == Unhealthy)
	}
}

// peerState is the live state of a peer; the group's mutex guards it, except for left and sessions.
// The zero value is the state of a new peer of a group without a zone. Unless noted otherwise, times
// are seconds of a monotonic clock, because nginx compares seconds; the parameter now is always in
// milliseconds. The fields that every choice reads come first, side by side.
type peerState struct {
	// conns is how many sessions use the server: ownConns of this peer, or of the same server in an
	// earlier configuration. It is nil before the peer enters the group. It usually points to the next
	// field, so that a choice by connections reads one cache line of each peer.
	conns      *int
	ownConns   int
	fails      int   // failed attempts since the last success that reset them
	checked    int64 // time of the last failure, or of the choice that probed the peer after its pause
	restsUntil int64 // end, in milliseconds, of the rest after the outcome Shortage; no session gets the peer before
	current    int64 // running sum of smooth weighted round robin
	lostWeight int   // how much failures have reduced the weight; the rest is the effective weight
	reduced    bool  // the effective weight is reduced
	health     Health
	stays      bool // used by PeerSet.without
	times      times
	slowStart  slowStart
	zoned      *zoned // nil if the group has no zone
	accessed   int64  // the last failure
	left       atomic.Bool
	sessions   tlsSessions
	gate       *gate // nil without ConnectRate
}

// restMillis is short enough for a waiting session, and long enough for an attempt that has to
// search all ports.
const restMillis = 100

// second returns the second of a time in milliseconds.
func second(now int64) int64 { return now / 1000 }

// release ends the count of a session.
func (p *Peer) release() {
	if *p.state.conns == 0 {
		panic("upstream: peer " + p.Name + " freed more often than picked")
	}
	*p.state.conns--
}

// fail counts a failed attempt, and reports whether the limit is reached.
func (p *Peer) fail(now int64) bool {
	p.state.fails++
	p.state.accessed, p.state.checked = second(now), second(now)
	if p.MaxFails == 0 {
		return false
	}
	p.state.lostWeight = min(p.state.lostWeight+p.Weight/p.MaxFails, p.Weight)
	p.state.reduced = true
	if p.state.fails < p.MaxFails {
		return false
	}
	if z := p.state.zoned; z != nil && p.state.fails == p.MaxFails {
		z.unavail++
	}
	p.noteState(now)
	return true
}

// succeed resets the failures of p if it was probed after the last of them. Because checked
// changes only after a pause, a success soon after a failure resets nothing. The caller holds the
// mutex.
func (g *Group) succeed(p *Peer) {
	if p.state.fails > 0 && p.state.accessed < p.state.checked {
		g.resetFailures(p)
	}
}

func (g *Group) resetFailures(p *Peer) {
	if p.SlowStart > 0 && p.MaxFails > 0 && p.state.fails >= p.MaxFails {
		p.state.slowStart.start()
		p.state.reduced = true
	}
	p.state.fails = 0
	p.noteState(g.now())
}

// endProbe lets another session probe the peer. It does nothing to a peer that is in use.
func (p *Peer) endProbe() {
	if p.state.fails > 0 {
		p.state.checked = p.state.accessed
	}
}

// A PeerSet is the peers of a group at one time, with the data that the method derives from them.
// It is immutable.
type PeerSet struct {
	group   *Group
	primary peerList
	backup  peerList
	single  bool // one primary and no backup: its failures are not counted
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

// derivedData returns what the method has derived from the set, which may be nil.
func (s *PeerSet) derivedData() any {
	if s == nil {
		return nil
	}
	return s.derived
}

// without returns the peers of the set that are not among next. The set may be nil.
func (s *PeerSet) without(next []*Peer) (left []*Peer) {
	if s == nil {
		return nil
	}
	for _, p := range next {
		p.state.stays = true
	}
	for _, list := range [...][]*Peer{s.primary.peers, s.backup.peers} {
		for _, p := range list {
			if !p.state.stays {
				left = append(left, p)
			}
		}
	}
	for _, p := range next {
		p.state.stays = false
	}
	return left
}

// A peerList contains the primaries of a set, or its backups.
type peerList struct {
	peers      []*Peer
	candidates []candidate // for each peer
	starts     []int64     // for each peer, the sum of the weights before it
	weight     int64       // of all peers
	tries      int         // peers that are neither down nor draining
}

func (l *peerList) add(p *Peer) {
	l.peers = append(l.peers, p)
	l.candidates = append(l.candidates, newCandidate(p))
	l.starts = append(l.starts, l.weight)
	l.weight += int64(p.Weight)
	if !p.Down && !p.Drain {
		l.tries++
	}
}

// at returns the number of the peer whose share of the weights contains w.
func (l *peerList) at(w int64) int {
	i, found := slices.BinarySearch(l.starts, w)
	if !found {
		i--
	}
	return i
}
