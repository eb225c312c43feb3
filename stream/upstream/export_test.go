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

// GoneCounts returns of how many servers that have left the group the session counts are kept.
func GoneCounts(g *Group) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, known := range g.goneCounts {
		n += len(known)
	}
	return n
}

// TakeOver makes the group the owner of the statistics that it continues, as Run does.
func TakeOver(g *Group) { g.takeOver() }
