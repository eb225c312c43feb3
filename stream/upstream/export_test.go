package upstream

import (
	"context"
	"time"
)

// InFlight is how many attempts least_time holds to be on their way to p.
func InFlight(g *Group, p *Peer) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return p.live.times.flights
}

// LookUp looks the i-th named server up once, as Run does again and again, and says when it would do so next.
func LookUp(ctx context.Context, g *Group, i int) time.Time { return g.lookUp(ctx, i) }
