package upstream

import "time"

// A candidate is a peer in a choice: the settings that methods compare, and the state. The
// candidates of a list lie side by side, because a choice may read all of them.
type candidate struct {
	state     *peerState
	pause     int64 // fail_timeout in seconds
	slowStart int64 // in milliseconds
	weight    int
	maxFails  int
	maxConns  int
	gate      *gate // nil without a rate
	down      bool  // or draining
}

func newCandidate(p *Peer) candidate {
	return candidate{
		state: p.state, pause: int64(p.FailTimeout / time.Second), slowStart: int64(p.SlowStart / time.Millisecond),
		weight: p.Weight, maxFails: p.MaxFails, maxConns: p.MaxConns, gate: p.state.gate, down: p.Down || p.Drain,
	}
}

// usable reports whether the peer may be chosen, apart from its rate.
func (c *candidate) usable(now int64) bool {
	return !c.down && c.state.health.mayServe() && !c.failed(now) && now >= c.state.restsUntil &&
		(c.maxConns == 0 || *c.state.conns < c.maxConns)
}

// failed reports whether the peer is in its pause after max_fails failures. It compares seconds, so
// the pause may last almost one second longer than fail_timeout.
func (c *candidate) failed(now int64) bool {
	return c.maxFails > 0 && c.state.fails >= c.maxFails && second(now)-c.state.checked <= c.pause
}

// take counts a session that has chosen the peer. The first session after the pause probes the
// peer: other sessions avoid it until the result.
func (c *candidate) take(now int64) {
	*c.state.conns++
	if z := c.state.zoned; z != nil {
		z.connections++
		z.selected = now
	}
	if second(now)-c.state.checked > c.pause {
		c.state.checked = second(now)
		c.state.slowStart.probed = now
	}
}
