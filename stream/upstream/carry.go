package upstream

import (
	"maps"

	"weir/stream"
)

// A serverKey is what a server of a group has in common with the same server in the configuration before, or with one that comes back
// to the group.
type serverKey struct {
	name   string // Peer.Server
	addr   stream.Addr
	number int // among the servers of the group that have both in common
}

// keyed numbers servers.
type keyed map[serverKey]int

// next is the key of p, which comes after those that have been asked for.
func (k keyed) next(p *Peer) serverKey {
	key := serverKey{name: p.Server, addr: p.Addr}
	n := k[key]
	k[key] = n + 1
	key.number = n
	return key
}

// counts are the numbers of sessions of servers by key.
type counts map[serverKey]*int

// held returns those of servers that sessions hold.
func (c counts) held() counts {
	some := counts{}
	for key, n := range c {
		if *n > 0 {
			some[key] = n
		}
	}
	return some
}

// counts returns those of the group's servers, besides those of servers that are gone. It needs the group's mutex.
func (g *Group) counts(gone counts) counts {
	all := maps.Clone(gone)
	if all == nil {
		all = counts{}
	}
	set, numbers := g.set.Load(), keyed{}
	for _, list := range [...][]*Peer{set.primary.peers, set.backup.peers} {
		for _, p := range list {
			all[numbers.next(p)] = p.conns
		}
	}
	return all
}

// carry makes those of peers that have no count yet count on from known, and keeps what is left of known for servers that come back. It
// needs the group's mutex.
func (g *Group) carry(peers []*Peer, known counts) {
	used := map[*int]bool{}
	for _, p := range peers {
		if p.conns != nil {
			used[p.conns] = true
		}
	}
	numbers := keyed{}
	for _, p := range peers {
		n := known[numbers.next(p)]
		if n != nil && !used[n] && p.conns == nil {
			p.conns = n
			used[n] = true
		}
		p.count()
	}
	maps.DeleteFunc(known, func(_ serverKey, n *int) bool { return used[n] })
	g.gone = known
}

// count gives the peer a count of its own, unless it has one.
func (p *Peer) count() {
	if p.conns == nil {
		p.conns = &p.live.conns
	}
}

// inherit makes the group count on from its predecessor: the sessions of both hold the same servers. They share the mutex from now on.
// A server that no session holds is taken over as well, since a session of the predecessor may yet choose it.
func (g *Group) inherit(before *Group) {
	before.mu.Lock()
	defer before.mu.Unlock()
	g.mu = before.mu
	peers := g.Peers()
	for _, p := range peers {
		p.conns = nil // its own, which nobody has used
	}
	g.carry(peers, before.counts(before.gone.held()))
}
