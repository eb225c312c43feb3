package upstream

import (
	"slices"
	"sync/atomic"
	"time"

	"weir/internal/relay"
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
	Down        bool
	Backup      bool
}

// Left returns a flag that is set once the peer has left its group permanently.
func (p *Peer) Left() *atomic.Bool { return &p.state.left }

// peerState is the live state of a peer; the group's mutex guards it, except for left,
// sessions and traffic. The zero value is the state of a new peer. Unless noted otherwise, times are seconds of a monotonic clock,
// because nginx compares seconds; the parameter now is always in milliseconds. The fields that
// every choice reads come first, side by side.
type peerState struct {
	// conns is how many sessions use the server: ownConns of this peer, or of the same server in an
	// earlier configuration. It is nil before the peer enters the group.
	conns      *int
	fails      int   // failed attempts since the last success that reset them
	checked    int64 // time of the last failure, or of the choice that probed the peer after its pause
	restsUntil int64 // end, in milliseconds, of the rest after the outcome Shortage; no session gets the peer before
	current    int64 // running sum of smooth weighted round robin
	lostWeight int   // how much failures have reduced the weight; the rest is the effective weight
	reduced    bool  // the effective weight is reduced
	slowStart  slowStart
	times      times
	accessed   int64 // the last failure
	ownConns   int
	left       atomic.Bool
	sessions   tlsSessions
	traffic    *relay.Counters // nil unless Group.CountTraffic is set
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
	return p.state.fails >= p.MaxFails
}

// succeed resets the failures if the peer was probed after the last of them. Because checked
// changes only after a pause, a success soon after a failure resets nothing.
func (p *Peer) succeed() {
	if p.state.accessed >= p.state.checked {
		return
	}
	if p.SlowStart > 0 && p.MaxFails > 0 && p.state.fails >= p.MaxFails {
		p.state.slowStart.start()
		p.state.reduced = true
	}
	p.state.fails = 0
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

// leave marks the peers that are not in the next set.
func (s *PeerSet) leave(next []*Peer) {
	stay := make(map[*peerState]bool, len(next))
	for _, p := range next {
		stay[p.state] = true
	}
	for _, list := range [...][]*Peer{s.primary.peers, s.backup.peers} {
		for _, p := range list {
			if !stay[p.state] {
				p.state.left.Store(true)
			}
		}
	}
}

// A peerList contains the primaries of a set, or its backups.
type peerList struct {
	peers      []*Peer
	candidates []candidate // for each peer
	starts     []int64     // for each peer, the sum of the weights before it
	weight     int64       // of all peers
	tries      int         // peers that are not down
}

func (l *peerList) add(p *Peer) {
	l.peers = append(l.peers, p)
	l.candidates = append(l.candidates, newCandidate(p))
	l.starts = append(l.starts, l.weight)
	l.weight += int64(p.Weight)
	if !p.Down {
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
