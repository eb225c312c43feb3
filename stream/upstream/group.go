// Package upstream chooses the server for a session: groups of servers, what is known of each one's health, and the methods that
// balance between them.
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

	"weir/stream"
)

// ErrNoLivePeers says that a group has no server to offer: all are down, failed, full, or have been tried. Its text is nginx's.
var ErrNoLivePeers = errors.New("no live upstreams")

// A Group is an upstream block, or the addresses of a proxy_pass that names none. Its mutex guards the live state of its peers and
// outlasts every PeerSet, because a peer may be in two; it is held for arithmetic only. The group of the next configuration shares it,
// with the counts of sessions. A Group is safe for concurrent use.
type Group struct {
	Name   string
	Method Method

	own  sync.Mutex
	mu   *sync.Mutex // own, or that of the group in the configuration before; fixed once the group is open
	gone counts      // of servers that are not in the group any more, and may come back
	set  atomic.Pointer[PeerSet]

	following *following // nil: no server is named
	learns    Measure    // what is learnt of a peer when a session ends; fixed
}

// A Method begins the choice of a peer for one session (nginx: peer.init). It is immutable and shared by all sessions.
type Method interface {
	Begin(s *stream.Session, g *Group) Picker
}

// A Notice says how far an attempt has come.
type Notice int

// The notices.
const (
	Connected Notice = iota
	FirstByte
)

// A Picker belongs to one session (nginx: peer.get, peer.notify, peer.free).
type Picker interface {
	// Group is the name of the group, which stands for a server when there is none.
	Group() string
	// Tries is how many attempts the group offers: its primaries that are not down, and its backups that are not.
	Tries() int
	// Pick chooses a peer that this session has not tried, among those that the group has at this moment. The error is
	// ErrNoLivePeers.
	Pick() (*Peer, error)
	// Notify tells that p is connected, or has sent its first byte, and how long that took.
	Notify(p *Peer, n Notice, took time.Duration)
	// Settle returns the Picker of a session whose connection is up: it has a peer and gets no other one. It can only Notify and
	// Free, and is lighter to hold.
	Settle() Picker
	// Free gives p back, exactly once per Pick. t has the attempt's times; nil: there are none. It logs when p is taken out of use.
	Free(p *Peer, o Outcome, t *stream.Try)
}

// An Outcome is what an attempt has shown of its peer.
type Outcome uint8

// The outcomes.
const (
	Succeeded Outcome = iota // the peer has served the session
	Failed                   // the peer could not be reached, or has not answered
	Abandoned                // nothing: the session ended before the peer had answered
	Untried                  // nothing: the attempt did not get as far as the peer, so that another one may probe it
	Short                    // likewise, for want of something on this machine: no session is given the peer for the next 100 ms
)

// NewGroup returns the group of those peers, backups among them, in the order of the configuration. There must be a primary. The
// peers are the group's from here on.
func NewGroup(name string, peers []*Peer, m Method) *Group {
	g := newGroup(name, m)
	g.Replace(peers)
	return g
}

func newGroup(name string, m Method) *Group {
	g := &Group{Name: name, Method: m}
	g.mu = &g.own
	if m, ok := m.(timed); ok {
		g.learns = m.atEnd()
	}
	return g
}

// Replace gives the group other peers. A peer that stays keeps its live state, and a server that comes back the sessions that hold it. Sessions that have begun finish with the peer that
// they have; one that chooses after this chooses among the new peers, those that it has tried excepted.
func (g *Group) Replace(peers []*Peer) {
	for _, p := range peers {
		if p.left == nil {
			p.left = new(atomic.Bool)
		}
	}
	g.recount(peers)
	set := newPeerSet(g, peers)
	if m, ok := g.Method.(deriver); ok {
		set.derived = m.derive(&set.primary)
	}
	if old := g.set.Swap(set); old != nil {
		old.leave(peers)
	}
}

// recount gives each of the peers its count of sessions. At first these are the peers' own.
func (g *Group) recount(peers []*Peer) {
	if g.set.Load() == nil {
		for _, p := range peers {
			p.count()
		}
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.carry(peers, g.counts(g.gone))
	g.gone = g.gone.held()
}

// A deriver is a Method that keeps something computed from the primary peers, such as a ring. The peers are not to be changed.
type deriver interface {
	derive(primary *peerList) any
}

// Begin begins the choice of a peer for s.
func (g *Group) Begin(s *stream.Session) Picker { return g.Method.Begin(s, g) }

// Peers lists the present peers, primaries first. The slice is the caller's.
func (g *Group) Peers() []*Peer {
	set := g.set.Load()
	return append(append([]*Peer(nil), set.primary.peers...), set.backup.peers...)
}

// Conns is how many sessions hold p at this moment, those of earlier configurations included.
func (g *Group) Conns(p *Peer) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return *p.conns
}

// Resting reports whether a peer rests after an attempt that was Short, so that the group may have a peer to offer soon.
func (g *Group) Resting(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	set, rests := g.set.Load(), func(p *Peer) bool { return millis(now) < p.live.rest }
	return slices.ContainsFunc(set.primary.peers, rests) || slices.ContainsFunc(set.backup.peers, rests)
}

// Key identifies the group across generations.
func (g *Group) Key() string { return "upstream " + g.Name }

// Open makes the group ready. As in nginx without a commercial licence, failures and weights are not taken over from the group's
// predecessor, with or without a zone. Two things are: the counts of sessions, since sessions that began before go on in this process
// and load the same servers, and what its names were found to mean.
func (g *Group) Open(_ context.Context, env *stream.Env, old stream.Part) error {
	before, _ := old.(*Group)
	if before != nil {
		g.inherit(before)
	}
	if g.following != nil {
		g.open(env, before)
	}
	return nil
}

// Close does nothing: a group holds nothing but memory.
func (g *Group) Close() error { return nil }
