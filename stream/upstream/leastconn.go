package upstream

import "weir/stream"

// LeastConn chooses the peer with the fewest connections for its weight, and on ties by smooth
// round robin (ngx_stream_upstream_least_conn_module.c).
var LeastConn Method = leastConn{}

type leastConn struct{}

func (leastConn) Begin(s *stream.Session, g *Group) Picker {
	return &leastConnPicker{newPicker(s, g)}
}

type leastConnPicker struct {
	picker
}

func (p *leastConnPicker) Pick() (*Peer, error) {
	now := p.now()
	p.set.group.mu.Lock()
	defer p.set.group.mu.Unlock()
	return p.choose((*picker).leastLoaded, now)
}

// leastLoaded returns the choice of least_conn from the list. Round robin runs only on ties;
// otherwise the running sums do not change.
func (p *picker) leastLoaded(now int64) int {
	least := newLeastLoad()
	for i, c := range p.candidates(now) {
		least.add(i, c.load(), c.presentWeight(now))
	}
	if !least.equals {
		return least.best
	}
	r := newRound()
	for i, c := range p.candidates(now) {
		if least.compare(c.load(), c.presentWeight(now)) == 0 {
			r.add(i, c.state, c.gain(now))
		}
	}
	return r.end()
}

// load returns the value that least_conn compares.
func (c *candidate) load() uint64 { return uint64(*c.state.conns) }
