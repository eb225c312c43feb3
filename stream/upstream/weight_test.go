package upstream_test

import (
	"math"
	"testing"

	"weir/stream"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// TestLargestWeights checks that sums of the largest weights do not overflow, in particular with
// 32-bit ints.
func TestLargestWeights(t *testing.T) {
	for _, method := range []upstream.Method{
		upstream.RoundRobin, upstream.LeastConn, upstream.Random, upstream.RandomTwo, upstream.Hash(fixed(t, "key")),
		upstream.LeastTime(upstream.ToConnect, false),
	} {
		bench := upstreamtest.NewBench()
		var peers []*upstream.PeerConf
		for range 3 {
			peers = append(peers, &upstream.PeerConf{Weight: math.MaxInt32})
		}
		g := upstream.NewGroup("u", peers, method)
		all := g.Peers()
		chosen := map[*upstream.Peer]int{}
		for range 300 {
			p := g.Begin(bench.Session())
			peer, err := p.Pick()
			if err != nil {
				t.Fatal(err)
			}
			chosen[peer]++
			p.Free(peer, upstream.Succeeded, &stream.Try{})
		}
		if method == upstream.RoundRobin && (chosen[all[0]] != 100 || chosen[all[1]] != 100) {
			t.Errorf("round robin chose %d, %d, %d; want 100 each", chosen[all[0]], chosen[all[1]], chosen[all[2]])
		}
	}
	if err := upstream.CheckWeight(upstream.Consistent(fixed(t, "key")), 3*math.MaxInt32); err == nil {
		t.Error("a ring of that weight is accepted")
	}
}
