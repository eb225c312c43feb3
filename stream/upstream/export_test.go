package upstream

import (
	"context"
	"net/netip"
	"time"
)

// Inflight returns the number of attempts that least_time counts as in flight to p.
func Inflight(g *Group, p *Peer) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return p.state.times.inflight
}

// Update sets the addresses of the first dynamic server to addrs.
func Update(g *Group, addrs []string) {
	var endpoints []endpoint
	for _, a := range addrs {
		endpoints = append(endpoints, endpoint{addr: netip.AddrPortFrom(netip.MustParseAddr(a), 0)})
	}
	g.update(g.registry.names()[0], endpoints, time.Time{})
}

// LookUp looks up the i-th dynamic server once, as Run does repeatedly, and returns the time of the
// next lookup.
func LookUp(ctx context.Context, g *Group, i int) time.Time {
	return g.lookUp(ctx, g.registry.names()[i])
}

// WithConf returns p with another configuration and the same state.
func WithConf(p *Peer, c *PeerConf) *Peer { return &Peer{PeerConf: c, state: p.state, ID: p.ID} }
