package upstream

import (
	"maps"

	"weir/stream"
)

// A serverKey identifies a server of a group across configurations, and when it returns to the
// group.
type serverKey struct {
	name   string // Peer.Server
	addr   stream.Addr
	number int // number among the servers of the group with that name and address
}

// serverNumbers numbers servers.
type serverNumbers map[serverKey]int

// next returns the key of p, numbered after the keys returned before.
func (s serverNumbers) next(p *Peer) serverKey {
	key := serverKey{name: p.Server, addr: p.Addr}
	n := s[key]
	s[key] = n + 1
	key.number = n
	return key
}

// counts are the session counts of servers by key.
type counts map[serverKey]*int

// inUse returns the counts of the servers that have sessions.
func (c counts) inUse() counts {
	some := counts{}
	for key, n := range c {
		if *n > 0 {
			some[key] = n
		}
	}
	return some
}

// counts returns the counts of the group's servers, and those in gone. The caller holds the group's
// mutex.
func (g *Group) counts(gone counts) counts {
	all := maps.Clone(gone)
	if all == nil {
		all = counts{}
	}
	set, numbers := g.set.Load(), serverNumbers{}
	for _, list := range [...][]*Peer{set.primary.peers, set.backup.peers} {
		for _, p := range list {
			all[numbers.next(p)] = p.state.conns
		}
	}
	return all
}

// continueCounts continues the counts in known for those of peers that have no count yet, and keeps
// the rest of known for servers that return. The caller holds the group's mutex.
func (g *Group) continueCounts(peers []*Peer, known counts) {
	used := map[*int]bool{}
	for _, p := range peers {
		if p.state.conns != nil {
			used[p.state.conns] = true
		}
	}
	numbers := serverNumbers{}
	for _, p := range peers {
		n := known[numbers.next(p)]
		if n != nil && !used[n] && p.state.conns == nil {
			p.state.conns = n
			used[n] = true
		}
		p.ensureCount()
	}
	maps.DeleteFunc(known, func(_ serverKey, n *int) bool { return used[n] })
	g.goneCounts = known
}

// ensureCount gives the peer its own count, unless it has one.
func (p *Peer) ensureCount() {
	if p.state.conns == nil {
		p.state.conns = &p.state.ownConns
	}
}

// inherit continues the counts of the group's predecessor: the sessions of both use the same
// servers. Both groups share the mutex from now on. Servers without sessions are taken over as
// well, because a session of the predecessor may still choose them.
func (g *Group) inherit(before *Group) {
	before.mu.Lock()
	defer before.mu.Unlock()
	g.mu = before.mu
	peers := g.Peers()
	for _, p := range peers {
		p.state.conns = nil // its own, which is unused
	}
	g.continueCounts(peers, before.counts(before.goneCounts.inUse()))
}
