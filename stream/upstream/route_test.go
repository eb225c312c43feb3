package upstream_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"weir/stream"
	"weir/stream/upstream"
)

// TestRouteIsTheChoice compares the route of many keys with the peer that a session gets, and the
// shares with the numbers of keys.
func TestRouteIsTheChoice(t *testing.T) {
	const n = 20_000
	for name, method := range map[string]func(stream.Template) upstream.Method{
		"hash": upstream.Hash, "consistent": upstream.Consistent, "jump": upstream.Jump,
	} {
		for _, down := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, b down: %v", name, down), func(t *testing.T) {
				bench, key, tpl := keyedBench(t)
				peers := parsePeers(t, "a:1*1 b:1*2 c:1*3")
				peers[1].Down = down
				g := upstream.NewGroup("u", peers, method(tpl))
				counts := map[int]int{}
				for i := range n {
					*key = fmt.Sprintf("device-%d", i)
					want, err := g.Begin(bench.Session()).Pick()
					if err != nil {
						t.Fatal(err)
					}
					got := g.Route(*key, time.Now())
					if got != want {
						t.Fatalf("route of %s is %v, a session gets %s", *key, got, want.Name)
					}
					counts[got.ID]++
				}
				if down {
					return // the shares are those of a group whose peers are all in use
				}
				for id, share := range g.Shares() {
					if off := math.Abs(float64(counts[id])/n - share); off > 0.015 {
						t.Errorf("peer %d has %d of %d keys, and a share of %.3f", id, counts[id], n, share)
					}
				}
			})
		}
	}
}

// TestRouteNeedsAKey lists the cases in which round robin decides.
func TestRouteNeedsAKey(t *testing.T) {
	_, _, tpl := keyedBench(t)
	if p := upstream.NewGroup("u", parsePeers(t, "a:1*1"), upstream.Consistent(tpl)).Route("", time.Now()); p != nil {
		t.Errorf("an empty key has the route %s", p.Name)
	}
	g := upstream.NewGroup("u", parsePeers(t, "a:1*1"), upstream.RoundRobin)
	if _, ok := g.HashKey(); ok || g.Shares() != nil || g.Route("x", time.Now()) != nil {
		t.Error("round robin has a key")
	}
}
