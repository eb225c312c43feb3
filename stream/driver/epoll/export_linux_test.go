package epoll

// Sessions returns the number of sessions of each loop.
func (d *Driver) Sessions() []int {
	counts := make([]int, len(d.loops))
	for i, l := range d.loops {
		counts[i] = int(l.load.sessions.Load())
	}
	return counts
}

// Connections returns the number of connections of all loops.
func (d *Driver) Connections() int {
	n := 0
	for _, l := range d.loops {
		n += int(l.load.connections.Load())
	}
	return n
}
