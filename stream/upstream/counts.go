package upstream

import "weir/stream"

// A serverKey identifies the servers of a group across configurations, and when they return to the
// group.
type serverKey struct {
	name string // Peer.Server
	addr stream.Addr
}

func (p *Peer) key() serverKey { return serverKey{name: p.Server, addr: p.Addr} }

// counts are the session counts of servers by key. Servers with the same key are in the order of the
// group.
type counts map[serverKey][]*int

func (c *counts) add(p *Peer) {
	if *c == nil {
		*c = counts{}
	}
	(*c)[p.key()] = append((*c)[p.key()], p.state.conns)
}

// take removes and returns a count for p, or nil.
func (c counts) take(p *Peer) *int {
	if len(c) == 0 {
		return nil
	}
	known := c[p.key()]
	switch len(known) {
	case 0:
		return nil
	case 1:
		delete(c, p.key())
	default:
		c[p.key()] = known[1:]
	}
	return known[0]
}

// dropUnused removes the counts of servers without sessions.
func (c counts) dropUnused() {
	for key, known := range c {
		var used []*int
		for _, n := range known {
			if *n > 0 {
				used = append(used, n)
			}
		}
		if used == nil {
			delete(c, key)
			continue
		}
		c[key] = used
	}
}

// inUse returns how many of the servers have sessions.
func (c counts) inUse() int {
	n := 0
	for _, known := range c {
		for _, sessions := range known {
			if *sessions > 0 {
				n++
			}
		}
	}
	return n
}

// sums returns how many sessions the servers with sessions have.
func (c counts) sums() map[serverKey]int {
	all := map[serverKey]int{}
	for key, known := range c {
		for _, sessions := range known {
			if *sessions > 0 {
				all[key] += *sessions
			}
		}
	}
	return all
}

// recount assigns a session count to each of the peers and keeps those of the peers that left, for
// servers that return. In the group's first set these are the peers' own counts.
func (g *Group) recount(peers, left []*Peer) {
	if g.set.Load() == nil {
		assignCounts(peers, nil)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range left {
		g.goneCounts.add(p)
	}
	assignCounts(peers, g.goneCounts)
	g.goneCounts.dropUnused()
}

// assignCounts gives the peers that have no count yet one of known, or their own.
func assignCounts(peers []*Peer, known counts) {
	for _, p := range peers {
		if p.state.conns != nil {
			continue
		}
		if p.state.conns = known.take(p); p.state.conns == nil {
			p.state.conns = &p.state.ownConns
		}
	}
}

// inherit continues the counts of the group's predecessor: the sessions of both use the same
// servers. Both groups share the mutex from now on. Servers without sessions are taken over as
// well, because a session of the predecessor may still choose them.
func (g *Group) inherit(before *Group) {
	before.mu.Lock()
	defer before.mu.Unlock()
	g.mu = before.mu
	g.inheritGates(before)
	var known counts
	for _, p := range before.Peers() {
		known.add(p)
	}
	for key, gone := range before.goneCounts {
		for _, n := range gone {
			if *n > 0 {
				known[key] = append(known[key], n)
			}
		}
	}
	peers := g.Peers()
	for _, p := range peers {
		p.state.conns = nil // its own, which is unused
	}
	assignCounts(peers, known)
	g.goneCounts = known
}

// inheritRecords continues the statistics of the servers that both groups have.
func (g *Group) inheritRecords(before *Group) {
	g.mu.Lock()
	defer g.mu.Unlock()
	known := map[serverKey][]*Peer{}
	for _, p := range before.Peers() {
		known[p.key()] = append(known[p.key()], p)
	}
	for _, p := range g.Peers() {
		if same := known[p.key()]; len(same) > 0 {
			known[p.key()] = same[1:]
			p.continueRecord(same[0], g.registry.checks)
		}
	}
}

// continueRecord shares the record of was, and takes over that it is healthy for persistent checks.
func (p *Peer) continueRecord(was *Peer, checks []*Check) {
	z := p.state.zoned
	z.record = was.state.zoned.record
	if was.state.health != Healthy {
		return
	}
	for i, c := range checks {
		if c.persistent {
			z.results[i] = Healthy
		}
	}
	p.state.health = z.worst()
}
