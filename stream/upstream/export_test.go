package upstream

// InFlight is how many attempts least_time holds to be on their way to p.
func InFlight(g *Group, p *Peer) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return p.live.times.flights
}
