package upstream

import "weir/stream"

// LeastConn chooses the peer with the fewest connections for its weight, and among equals by smooth round robin
// (ngx_stream_upstream_least_conn_module.c).
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
	return p.descend((*picker).leastLoaded, now)
}

// leastLoaded is the choice of least_conn from the list. Round robin takes part only when there are equals: a choice without
// leaves all running sums alone.
func (p *picker) leastLoaded(now int64) int {
	peers := p.list().peers
	best, equals := none, false
	for i := range peers {
		peer := p.open(i, now)
		if peer == nil {
			continue
		}
		if best == none {
			best = i
			continue
		}
		switch load := compareLoad(peer, peers[best]); {
		case load < 0:
			best, equals = i, false
		case load == 0:
			equals = true
		}
	}
	if !equals {
		return best
	}
	return p.smoothestLike(peers[best], now)
}

// smoothestLike is the choice of smooth round robin among the peers that are loaded as like is.
func (p *picker) smoothestLike(like *Peer, now int64) int {
	r := newRound()
	for i := range p.list().peers {
		if peer := p.open(i, now); peer != nil && compareLoad(peer, like) == 0 {
			r.enter(i, peer)
		}
	}
	return r.winner()
}

// compareLoad compares connections for each unit of weight, without dividing: negative if a has fewer than b.
func compareLoad(a, b *Peer) int { return a.live.conns*b.Weight - b.live.conns*a.Weight }
