package epoll

// all returns the loops that have not ended.
func (d *Driver) all() (loops []*loop) {
	d.group.Do(func() error { loops = d.group.All(); return nil })
	return loops
}

// Sessions returns the number of sessions of each loop that has not ended.
func (d *Driver) Sessions() []int {
	var counts []int
	for _, l := range d.all() {
		counts = append(counts, int(l.load.sessions.Load()))
	}
	return counts
}

// Connections returns the number of connections of all loops.
func (d *Driver) Connections() int {
	n := 0
	for _, l := range d.all() {
		n += int(l.load.connections.Load())
	}
	return n
}
