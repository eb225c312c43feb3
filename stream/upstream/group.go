// Package upstream chooses the server of a session: groups of servers, their health, and the
// balancing methods.
//
// See https://nginx.org/en/docs/stream/ngx_stream_upstream_module.html.
package upstream

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/internal/relay"
	"weir/stream"
)

// ErrNoLivePeers means that a group has no server available: all are down, failed, full, or already
// tried. Its text is nginx's.
var ErrNoLivePeers = errors.New("no live upstreams")

// A Group is an upstream block, or the addresses of a proxy_pass without one. Its mutex guards the
// live state of its peers and outlasts every PeerSet, because a peer may be in two; it is held for
// arithmetic only. The group of the next configuration shares it, with the counts of sessions. A
// Group is safe for concurrent use.
type Group struct {
	Name   string
	Method Method

	own        sync.Mutex
	mu         *sync.Mutex // own, or shared with the group of the previous configuration; fixed once the group is open
	goneCounts counts      // of servers that have left the group and may return
	set        atomic.Pointer[PeerSet]

	registry   *registry // nil without a zone
	closing    *closing  // nil for a group that a session makes
	queue      *queue    // nil without one
	endMeasure Measure   // the time recorded for a peer when a session ends; fixed
	nextID     atomic.Int64
}

// A Method starts the choice of a peer for one session (nginx: peer.init). It is immutable and
// shared by all sessions.
type Method interface {
	Begin(s *stream.Session, g *Group) Picker
}

// A Notice is a progress report of an attempt.
type Notice int

// The notices.
const (
	Connected Notice = iota
	FirstByte
)

// A Picker belongs to one session (nginx: peer.get, peer.notify, peer.free).
type Picker interface {
	// Group returns the group, whose name is logged if there is no server.
	Group() *Group
	// Tries returns how many attempts the group offers: its primaries and backups that are not
	// down.
	Tries() int
	// Pick chooses a current peer of the group that this session has not tried. The error is
	// ErrNoLivePeers or a *Queued.
	Pick() (*Peer, error)
	// Leave leaves the queue, for a session that ends, or that begins another choice.
	Leave()
	// Notify reports that p is connected, or has sent its first byte, and how long that took.
	Notify(p *Peer, n Notice, took time.Duration)
	// Established returns the Picker of a session after its connection is established: it has a
	// peer and gets no other one. It supports only Notify and Free, and uses less memory.
	Established() Picker
	// Free releases p, exactly once per Pick. t has the times of the attempt and may be nil. Free
	// logs when p is disabled.
	Free(p *Peer, o Outcome, t *stream.Try)
}

// An Outcome is the result of an attempt for its peer.
type Outcome uint8

// The outcomes.
const (
	Succeeded Outcome = iota // the peer has served the session
	Failed                   // the peer could not be reached, or did not answer
	Abandoned                // no result: the session ended before the peer answered
	Untried                  // no result: the attempt did not reach the peer, so that another one may probe it
	Shortage                 // no result, for lack of a local resource: no session gets the peer for the next 100 ms
)

// NewGroup returns a group with a peer for each of peers, including backups, in the order of the
// configuration. At least one must be primary.
func NewGroup(name string, peers []*PeerConf, m Method) *Group {
	g := newGroup(name, m)
	g.Replace(g.newPeers(peers))
	return g
}

func newGroup(name string, m Method) *Group {
	g := &Group{Name: name, Method: m}
	g.mu = &g.own
	if m, ok := m.(timed); ok {
		g.endMeasure = m.endMeasure()
	}
	return g
}

// NewPeer returns a new peer, for a call of Replace.
func (g *Group) NewPeer(c *PeerConf) *Peer {
	return g.newPeer(c, g.newID())
}

func (g *Group) newPeer(c *PeerConf, id int) *Peer {
	p := &Peer{PeerConf: c, state: &peerState{gate: newGate(c.ConnectRate)}, ID: id}
	if r := g.registry; r != nil {
		p.state.zoned = &zoned{record: &record{owner: p.state, traffic: relay.NewCounters()}, results: r.initialResults()}
		p.state.health = p.state.zoned.worst()
	}
	return p
}

func (g *Group) newID() int { return int(g.nextID.Add(1) - 1) }

func (g *Group) newPeers(confs []*PeerConf) []*Peer {
	peers := make([]*Peer, len(confs))
	for i, c := range confs {
		peers[i] = g.NewPeer(c)
	}
	return peers
}

// Replace replaces the peers of the group; calls must not overlap. A peer that stays keeps its live
// state, and a server that returns keeps its session count. Sessions keep the peer that they have chosen; a session
// that chooses afterwards chooses among the new peers, except those that it has tried.
func (g *Group) Replace(peers []*Peer) {
	old := g.set.Load()
	left := old.without(peers)
	g.recount(peers, left)
	set := newPeerSet(g, peers)
	if m, ok := g.Method.(deriver); ok {
		set.derived = m.derive(&set.primary, old.derivedData())
	}
	g.set.Store(set)
	g.dropLeft(peers, left)
	if g.registry != nil {
		g.noteStates(peers)
		g.registry.notifyReplaced()
	}
}

// dropLeft ends the sessions of the peers that have left, if they want that: at the rate of the group, or
// each at its next event.
func (g *Group) dropLeft(present, left []*Peer) {
	if g.isPaced() {
		g.closeLeft(present, left)
		return
	}
	for _, p := range left {
		p.Left().Store(true)
	}
	if g.closing != nil {
		g.closing.marks.noteAtOnce(left, func(p *Peer) bool { return g.Conns(p) > 0 })
	}
	g.endDrains(present)
}

// A deriver is a Method with data derived from the primary peers, such as a ring. It must not
// change the peers. before is the data of the group's previous peers, or nil.
type deriver interface {
	derive(primary *peerList, before any) any
}

// Begin starts the choice of a peer for s.
func (g *Group) Begin(s *stream.Session) Picker { return g.Method.Begin(s, g) }

// Peers lists the current peers, primaries first. The caller owns the slice.
func (g *Group) Peers() []*Peer {
	set := g.set.Load()
	return append(append([]*Peer(nil), set.primary.peers...), set.backup.peers...)
}

// Conns returns how many sessions use p now, including those of earlier configurations.
func (g *Group) Conns(p *Peer) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return *p.state.conns
}

// Resting reports whether a peer rests after an attempt with the outcome Shortage, so that the
// group may have a peer available soon.
func (g *Group) Resting(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	set, rests := g.set.Load(), func(p *Peer) bool { return millis(now) < p.state.restsUntil }
	return slices.ContainsFunc(set.primary.peers, rests) || slices.ContainsFunc(set.backup.peers, rests)
}

// Key identifies the group across generations.
func (g *Group) Key() string { return "upstream " + g.Name }

// Open makes the group ready. As in nginx without a commercial licence, failures and weights are
// not taken over from the predecessor, with or without a zone. The group takes over the session
// counts, because earlier sessions continue in this process and load the same servers, and the
// resolved addresses of its dynamic servers.
func (g *Group) Open(_ context.Context, env *stream.Env, old stream.Part) error {
	before, _ := old.(*Group)
	if before != nil {
		g.inherit(before)
	}
	g.openClosing(env, before)
	if g.registry != nil {
		g.open(env, before)
	}
	return nil
}

// Close does nothing: a group uses only memory.
func (g *Group) Close() error { return nil }
