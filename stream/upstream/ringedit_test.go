package upstream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// ringServers returns servers with these weights by name, in the order of names.
func ringServers(names []int, weights map[int]int) (all []server) {
	for i, n := range names {
		all = append(all, server{name: fmt.Sprintf("10.0.0.%d:1883", n), weight: weights[n], members: []int32{int32(i)}})
	}
	return all
}

// equal reports whether both rings have the same points and servers.
func (r *ring) equal(other *ring) bool {
	same := func(a, b server) bool {
		return a.name == b.name && a.weight == b.weight && slices.Equal(a.members, b.members)
	}
	return slices.Equal(r.points, other.points) && slices.Equal(r.shadowed, other.shadowed) && slices.EqualFunc(r.servers, other.servers, same)
}

// TestEditedRing makes random changes and compares each ring with a new one of the same servers.
func TestEditedRing(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var names []int
	weights := map[int]int{}
	for n := range 20 {
		names = append(names, n)
		weights[n] = 1 + rng.IntN(3)
	}
	r := newRing(ringServers(names, weights))
	edited := 0
	for i := range 300 {
		switch rng.IntN(4) {
		case 0:
			names = append(names, 20+i)
			weights[20+i] = 1 + rng.IntN(3)
		case 1:
			at := rng.IntN(len(names))
			names = slices.Delete(names, at, at+1)
		case 2:
			weights[names[rng.IntN(len(names))]] = 1 + rng.IntN(3)
		case 3:
			names = slices.Insert(names, rng.IntN(len(names)), 1000+i)
			weights[1000+i] = 2
		}
		servers := ringServers(names, weights)
		next := r.edit(servers)
		if next == nil {
			next = newRing(servers)
		} else {
			edited++
		}
		if !next.equal(newRing(servers)) {
			t.Fatalf("change %d: the ring differs from a new one", i)
		}
		r = next
	}
	if edited < 250 {
		t.Errorf("only %d of 300 rings were made from the previous one", edited)
	}
}

// TestReorderedRing checks that a ring is new when the order of its servers has changed.
func TestReorderedRing(t *testing.T) {
	weights := map[int]int{1: 1, 2: 1, 3: 1}
	r := newRing(ringServers([]int{1, 2, 3}, weights))
	if r.edit(ringServers([]int{2, 1, 3}, weights)) != nil {
		t.Error("the ring was edited")
	}
}

// TestShadowedPoint checks that a point whose hash an earlier server has counts once that server has
// left.
func TestShadowedPoint(t *testing.T) {
	servers := ringServers([]int{1, 2, 3}, map[int]int{1: 1, 2: 1, 3: 1})
	at := func(hash, number uint64) uint64 { return hash<<32 | number }
	before := &ring{
		servers:  servers,
		points:   []uint64{at(5, 0), at(7, 1), at(9, 0)},
		shadowed: []uint64{at(5, 1), at(5, 2), at(9, 2)},
	}
	next := &ring{}
	next.merge(before, []int{gone, 0, 1}, nil)
	if want := []uint64{at(5, 0), at(7, 0), at(9, 1)}; !slices.Equal(next.points, want) || !slices.Equal(next.shadowed, []uint64{at(5, 1)}) {
		t.Errorf("got points %x and %x", next.points, next.shadowed)
	}
	if got := before.edit(servers); !slices.Equal(got.points, before.points) || !slices.Equal(got.shadowed, before.shadowed) {
		t.Errorf("got points %x and %x without a change", got.points, got.shadowed)
	}
}
