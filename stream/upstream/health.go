package upstream

// Health is the result of health checks for a peer.
type Health uint8

// The results, the best one first. A peer gets new sessions only if it is Unchecked or Healthy.
const (
	Unchecked Health = iota
	Healthy
	Draining  // it gets no new session and keeps those that it has
	Checking  // the first check has not ended, and is mandatory
	Unhealthy // as Draining, but proxy_session_drop ends its sessions
)

// String returns the name of the result.
func (h Health) String() string {
	return [...]string{"unchecked", "healthy", "draining", "checking", "unhealthy"}[h]
}

// mayServe reports whether a peer with that result gets new sessions.
func (h Health) mayServe() bool { return h < Draining }

// A Check is one health check of a group: `health_check` in a server that proxies to the group. The
// result of a peer is the worst one of all checks of its group. It is safe for concurrent use.
type Check struct {
	group      *Group
	index      int // in the results of a peer
	mandatory  bool
	persistent bool
}

// NewCheck adds a check to a group with a zone, which must not be open yet. With mandatory a peer
// gets no session before its first check has ended; with persistent also, a peer that was healthy
// before a reload is healthy.
func (g *Group) NewCheck(mandatory, persistent bool) *Check {
	r := g.registry
	c := &Check{group: g, index: len(r.checks), mandatory: mandatory, persistent: persistent}
	r.checks = append(r.checks, c)
	for _, p := range g.Peers() {
		p.state.zoned.results = append(p.state.zoned.results, c.initial())
		p.state.health = p.state.zoned.worst()
	}
	return c
}

// initial returns the result of a peer before its first check.
func (c *Check) initial() Health {
	if c.mandatory {
		return Checking
	}
	return Unchecked
}

// initialResults returns the results of a new peer.
func (r *registry) initialResults() []Health {
	results := make([]Health, len(r.checks))
	for i, c := range r.checks {
		results[i] = c.initial()
	}
	return results
}

// worst returns the result of the peer.
func (z *zoned) worst() Health {
	worst := Unchecked
	for _, h := range z.results {
		worst = max(worst, h)
	}
	return worst
}

// Health returns the result of this check for p.
func (c *Check) Health(p *Peer) Health {
	c.group.mu.Lock()
	defer c.group.mu.Unlock()
	return p.state.zoned.results[c.index]
}

// Report counts a check of p that has passed or failed, and sets the result of this check for p to
// h. It applies to sessions at once.
func (c *Check) Report(p *Peer, passed bool, h Health) {
	g := c.group
	now := millis(g.registry.now())
	g.mu.Lock()
	defer g.mu.Unlock()
	z := p.state.zoned
	z.health.count(passed)
	if h == Unhealthy && z.results[c.index] != Unhealthy {
		z.health.unhealthy++
	}
	z.results[c.index] = h
	g.setHealth(p, z.worst(), now)
}

// setHealth changes the result of the peer. As in nginx, slow_start begins when an unhealthy peer
// has recovered. The caller holds the group's mutex.
func (g *Group) setHealth(p *Peer, h Health, now int64) {
	s := p.state
	if s.health == Unhealthy && h == Healthy && p.SlowStart > 0 {
		s.slowStart.since = now
		s.reduced = true
	}
	s.health = h
	p.noteState(now)
	g.setDropped(p)
}

// healthCounts counts the checks of a peer.
type healthCounts struct {
	checks, fails, unhealthy uint64
	lastPassed               bool
}

func (h *healthCounts) count(passed bool) {
	h.checks++
	h.lastPassed = passed
	if !passed {
		h.fails++
	}
}

// Health returns the result of all checks of p, whose group has a zone.
func (g *Group) Health(p *Peer) Health {
	g.mu.Lock()
	defer g.mu.Unlock()
	return p.state.health
}

// Watch returns the current peers of a group with a zone, primaries first, and a channel that is
// closed when they are replaced.
func (g *Group) Watch() ([]*Peer, <-chan struct{}) {
	r := g.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.replaced == nil {
		r.replaced = make(chan struct{})
	}
	return g.Peers(), r.replaced
}
