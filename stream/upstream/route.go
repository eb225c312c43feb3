package upstream

import (
	"sync"
	"time"

	"github.com/dgryski/go-jump"
)

// A keyed is a Method that chooses by the hash of a key.
type keyed interface {
	// keyText returns the key as it is configured.
	keyText() string
	// order calls try with the peers of one primary server after another, in the order in which a session
	// with the key tries them, until try returns true. It returns false where round robin decides.
	order(set *PeerSet, key string, try func(members []int32) bool) bool
	// shares returns the share of all keys of each primary peer.
	shares(set *PeerSet) []float64
}

// HashKey returns the key of a hash method as it is configured, and false for other methods.
func (g *Group) HashKey() (string, bool) {
	m, ok := g.Method.(keyed)
	if !ok {
		return "", false
	}
	return m.keyText(), true
}

// Route returns the peer that a new session with the key gets at that time, without choosing it. If the
// name of a server has several addresses, it is one of them. It returns nil if the method has no key, or
// if round robin decides, because the key is empty or too many servers are out of use.
func (g *Group) Route(key string, now time.Time) *Peer {
	m, ok := g.Method.(keyed)
	set := g.set.Load()
	if !ok || key == "" || set.primary.weight == 0 {
		return nil
	}
	var found *Peer
	g.mu.Lock()
	defer g.mu.Unlock()
	m.order(set, key, func(members []int32) bool {
		for _, i := range members {
			if set.primary.candidates[i].usable(millis(now)) {
				found = set.primary.peers[i]
				return true
			}
		}
		return false
	})
	return found
}

// Shares returns by the ID of each primary peer which share of all keys belongs to it while no peer is
// out of use. It returns nil if the method has no key.
func (g *Group) Shares() map[int]float64 {
	m, ok := g.Method.(keyed)
	if !ok {
		return nil
	}
	set := g.set.Load()
	byID := make(map[int]float64, len(set.primary.peers))
	for i, share := range m.shares(set) {
		byID[set.primary.peers[i].ID] = share
	}
	return byID
}

func (m plainHash) keyText() string { return m.key.Text() }

func (m plainHash) order(set *PeerSet, key string, try func([]int32) bool) bool {
	p := hashPicker{size: len(key), state: crcString(crcInit, key)}
	for range maxTries + 1 {
		if try([]int32{int32(set.primary.at(int64(p.next()) % set.primary.weight))}) {
			return true
		}
	}
	return false
}

func (m plainHash) shares(set *PeerSet) []float64 {
	shares := make([]float64, len(set.primary.peers))
	for i, p := range set.primary.peers {
		shares[i] = float64(p.Weight) / float64(set.primary.weight)
	}
	return shares
}

func (m consistentHash) keyText() string { return m.key.Text() }

func (m consistentHash) order(set *PeerSet, key string, try func([]int32) bool) bool {
	r := set.derived.(*ring)
	at := r.find(crcFinal(crcString(crcInit, key)))
	for range maxTries + 1 {
		if try(r.members(at)) {
			return true
		}
		at++
	}
	return false
}

func (m consistentHash) shares(set *PeerSet) []float64 {
	r := set.derived.(*ring)
	return sharesOfServers(set, r.servers, r.arcs())
}

// arcs returns the share of the hashes that belongs to each server: those between a point of the server
// and the point before.
func (r *ring) arcs() []float64 {
	r.measured.Do(func() {
		r.lengths = make([]float64, len(r.servers))
		if len(r.points) == 0 {
			return
		}
		before := hashOf(r.points[len(r.points)-1])
		for _, p := range r.points {
			length := uint64(hashOf(p) - before)
			if len(r.points) == 1 {
				length = 1 << 32
			}
			r.lengths[uint32(p)] += float64(length) / (1 << 32)
			before = hashOf(p)
		}
	})
	return r.lengths
}

// arcLengths are the lengths of a ring's arcs, measured at the first use.
type arcLengths struct {
	measured sync.Once
	lengths  []float64
}

func (m jumpHash) keyText() string { return m.key.Text() }

func (m jumpHash) order(set *PeerSet, key string, try func([]int32) bool) bool {
	b := set.derived.(*buckets)
	for attempt := range uint8(maxTries + 1) {
		if try(b.members(int(jump.Hash(jumpKey(attempt, key), b.count)))) {
			return true
		}
	}
	return false
}

func (m jumpHash) shares(set *PeerSet) []float64 {
	b := set.derived.(*buckets)
	lengths := make([]float64, len(b.servers))
	for i, s := range b.servers {
		lengths[i] = float64(s.weight) / float64(b.count)
	}
	return sharesOfServers(set, b.servers, lengths)
}

// sharesOfServers divides the share of each server among its peers.
func sharesOfServers(set *PeerSet, servers []server, lengths []float64) []float64 {
	shares := make([]float64, len(set.primary.peers))
	for i, s := range servers {
		for _, member := range s.members {
			shares[member] = lengths[i] / float64(len(s.members))
		}
	}
	return shares
}
