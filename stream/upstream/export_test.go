package upstream

import (
	"context"
	"net/netip"
	"time"
)

// InFlight is how many attempts least_time holds to be on their way to p.
func InFlight(g *Group, p *Peer) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return p.live.times.flights
}

// Update makes addrs those of the first named server.
func Update(g *Group, addrs []string) {
	var places []endpoint
	for _, a := range addrs {
		places = append(places, endpoint{addr: netip.AddrPortFrom(netip.MustParseAddr(a), 0)})
	}
	g.update(0, places, time.Time{})
}

// LookUp looks the i-th named server up once, as Run does again and again, and says when it would do so next.
func LookUp(ctx context.Context, g *Group, i int) time.Time { return g.lookUp(ctx, i) }
