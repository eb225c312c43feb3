package upstream

// edit returns the ring of servers, made from the ring of the group before a change: the points of
// servers that stay are kept, so that a change takes time for one pass over them. It returns nil if a
// new ring is faster, or if the order of the servers has changed.
func (r *ring) edit(servers []server) *ring {
	moved, added, ok := r.compare(servers)
	if !ok {
		return nil
	}
	total := 0
	for _, j := range added {
		total += servers[j].weight * pointsPerWeight
	}
	if total > len(r.points)/2 {
		return nil
	}
	points := make([]uint64, 0, total)
	for _, j := range added {
		points = appendPoints(points, &servers[j], uint64(j))
	}
	next := &ring{points: make([]uint64, 0, len(r.points)+len(points)), servers: servers}
	next.merge(r, moved, sortPoints(points))
	return next
}

// gone is the number of a server that is not in the ring.
const gone = -1

// compare returns the new number of each server of r, or gone, and the numbers of the servers that are
// not in r. A server with another weight is gone and added.
func (r *ring) compare(servers []server) (moved []int, added []int, ok bool) {
	number := make(map[string]int, len(servers))
	for j := range servers {
		number[servers[j].name] = j
	}
	moved = make([]int, len(r.servers))
	stays := make([]bool, len(servers))
	last := -1
	for i := range r.servers {
		j, found := number[r.servers[i].name]
		if !found || servers[j].weight != r.servers[i].weight {
			moved[i] = gone
			continue
		}
		if j < last {
			return nil, nil, false
		}
		moved[i], stays[j], last = j, true, j
	}
	for j := range servers {
		if !stays[j] {
			added = append(added, j)
		}
	}
	return moved, added, true
}

// merge fills an empty ring with the points of before whose servers stay, and with added, which is
// sorted. Both are in the order of hashes and then of servers, so that the first server keeps a hash that
// several have.
func (r *ring) merge(before *ring, moved []int, added []uint64) {
	shadowed := before.shadowed
	for _, p := range before.points {
		for len(shadowed) > 0 && hashOf(shadowed[0]) < hashOf(p) {
			added = r.keep(shadowed[0], moved, added)
			shadowed = shadowed[1:]
		}
		added = r.keep(p, moved, added)
	}
	for _, p := range shadowed {
		added = r.keep(p, moved, added)
	}
	for _, p := range added {
		r.push(p)
	}
}

// keep appends a point of the ring before the change, unless its server is gone, after the points of
// added that precede it. It returns the rest of added.
func (r *ring) keep(p uint64, moved []int, added []uint64) []uint64 {
	to := moved[uint32(p)]
	if to == gone {
		return added
	}
	p = uint64(hashOf(p))<<32 | uint64(to)
	for len(added) > 0 && added[0] < p {
		r.push(added[0])
		added = added[1:]
	}
	r.push(p)
	return added
}

// push appends a point, or notes it as shadowed if an earlier one has its hash.
func (r *ring) push(p uint64) {
	if n := len(r.points); n > 0 && hashOf(r.points[n-1]) == hashOf(p) {
		r.shadowed = append(r.shadowed, p)
		return
	}
	r.points = append(r.points, p)
}
