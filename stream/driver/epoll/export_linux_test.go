package epoll

// Sessions returns how many sessions each loop has.
func (d *Driver) Sessions() []int {
	counts := make([]int, len(d.loops))
	for i, l := range d.loops {
		counts[i] = int(l.load.sessions.Load())
	}
	return counts
}

// Connections returns how many connections all loops have.
func (d *Driver) Connections() int {
	n := 0
	for _, l := range d.loops {
		n += int(l.load.connections.Load())
	}
	return n
}
