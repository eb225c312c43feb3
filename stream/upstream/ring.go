package upstream

import (
	"sort"
	"strings"

	"weir/stream"
)

// Consistent returns the method `hash KEY consistent`: ketama, so that a change of the group moves
// few clients. It follows ngx_stream_upstream_hash_module.c, and with it Cache::Memcached::Fast: a
// key selects the same server as in nginx.
func Consistent(key stream.Template) Method { return consistentHash{key} }

type consistentHash struct {
	key stream.Template
}

func (m consistentHash) derive(primary *peerList, before any) any {
	servers := serversOf(primary)
	if r, ok := before.(*ring); ok {
		if next := r.edit(servers); next != nil {
			return next
		}
	}
	return newRing(servers)
}

func (m consistentHash) Begin(s *stream.Session, g *Group) Picker {
	key := m.key.Eval(s)
	p := &ringPicker{picker: newPicker(s, g), keyed: key != "", hash: crcFinal(crcString(crcInit, key))}
	p.seek()
	return p
}

type ringPicker struct {
	picker
	keyed  bool   // the key is not empty
	hash   uint32 // of the key
	at     uint32 // the session's current point
	misses uint8
}

// seek moves to the position of the key on the ring.
func (p *ringPicker) seek() { p.at = p.ring().find(p.hash) }

func (p *ringPicker) ring() *ring { return p.set.derived.(*ring) }

// Pick checks one point after another. It skips the points of a server that is out of use, so that
// its clients spread over the others; but 21 points in a row may belong to such servers, and then
// round robin decides.
func (p *ringPicker) Pick() (*Peer, error) {
	now := p.now()
	p.set.group.mu.Lock()
	defer p.set.group.mu.Unlock()
	if p.update() {
		p.seek()
	}
	if !p.keyed || len(p.ring().points) == 0 {
		return p.roundRobin(now)
	}
	for ; p.misses <= maxTries; p.misses++ {
		if i := p.nextInTurnOf(p.ring().members(p.at), now); i != none {
			return p.take(i, now)
		}
		if wait := p.waitFor(p.ring().members(p.at), now); wait != nil {
			return nil, wait
		}
		p.at++
	}
	return p.roundRobin(now)
}

// pointsPerWeight is the number of points per unit of weight, in nginx and in ketama.
const pointsPerWeight = 160

// A ring contains the points of all primary servers, including down and failed ones. It is
// immutable.
type ring struct {
	points  []uint64 // sorted, each hash once: the hash in the upper half, the server's number in the lower
	servers []server
	// shadowed are the points whose hash an earlier server has, sorted like points: they count when
	// that server leaves.
	shadowed []uint64
	arcLengths
}

// newRing builds the ring of servers. If two servers have a point with the same hash, the first one
// keeps it.
func newRing(servers []server) *ring {
	total := 0
	for i := range servers {
		total += servers[i].weight * pointsPerWeight
	}
	points := make([]uint64, 0, total)
	for i := range servers {
		points = appendPoints(points, &servers[i], uint64(i))
	}
	r := &ring{servers: servers}
	r.points, r.shadowed = splitEqualHashes(sortPoints(points))
	return r
}

// appendPoints appends the points of one server: a chain of hashes over host, port and the previous
// hash.
func appendPoints(points []uint64, s *server, number uint64) []uint64 {
	host, port := splitServer(s.name)
	base := crcString(crcByte(crcString(crcInit, host), 0), port)
	hash := uint32(0)
	for range s.weight * pointsPerWeight {
		state := base
		for shift := 0; shift < 32; shift += 8 {
			state = crcByte(state, byte(hash>>shift))
		}
		hash = crcFinal(state)
		points = append(points, uint64(hash)<<32|number)
	}
	return points
}

// splitServer splits a server's name as the ring hashes it: the digits after the last colon are the
// port, a unix socket has none, and an IPv6 address keeps its brackets.
func splitServer(name string) (host, port string) {
	if len(name) >= len("unix:") && strings.EqualFold(name[:len("unix:")], "unix:") {
		return name[len("unix:"):], ""
	}
	digits := len(name)
	for digits > 0 && '0' <= name[digits-1] && name[digits-1] <= '9' {
		digits--
	}
	if digits > 0 && name[digits-1] == ':' {
		return name[:digits-1], name[digits:]
	}
	return name, ""
}

func hashOf(point uint64) uint32 { return uint32(point >> 32) }

// find returns the index of the first point whose hash is at least hash; after the last point it
// wraps around to the first.
func (r *ring) find(hash uint32) uint32 {
	return uint32(sort.Search(len(r.points), func(i int) bool { return hashOf(r.points[i]) >= hash }))
}

// members lists the peers of the server that owns the point at that index.
func (r *ring) members(place uint32) []int32 {
	return r.servers[uint32(r.points[int(place)%len(r.points)])].members
}

// splitEqualHashes returns the first point of each hash, in the memory of points, and the others.
func splitEqualHashes(points []uint64) (first, others []uint64) {
	for _, p := range points {
		if n := len(first); n > 0 && hashOf(p) == hashOf(first[n-1]) {
			others = append(others, p)
			continue
		}
		first = append(points[:len(first)], p)
	}
	return first, others
}

const (
	// digitBits gives three passes over 32 bits, with counters that fit the first-level cache.
	digitBits = 11
	digits    = 1 << digitBits
)

// sortPoints sorts points by hash, stably, and returns the result. It alternates between points and
// a buffer of the same size, and returns one of them. It is a radix sort: a ring may have millions
// of points, and a configuration is not served before its rings are built.
func sortPoints(points []uint64) []uint64 {
	spare := make([]uint64, len(points))
	for shift := 32; shift < 64; shift += digitBits {
		var place [digits]int
		for _, p := range points {
			place[p>>shift%digits]++
		}
		next := 0
		for d := range place {
			place[d], next = next, next+place[d]
		}
		for _, p := range points {
			d := p >> shift % digits
			spare[place[d]] = p
			place[d]++
		}
		points, spare = spare, points
	}
	return points
}
