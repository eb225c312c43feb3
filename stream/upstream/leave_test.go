package upstream_test

import (
	"testing"

	"weir/stream/upstream"
)

// TestLeft checks that exactly the peers that left the group are marked.
func TestLeft(t *testing.T) {
	g := upstream.NewGroup("u", []*upstream.PeerConf{
		{Name: "a", Weight: 1}, {Name: "b", Weight: 1}, {Name: "c", Weight: 1, Backup: true},
	}, upstream.RoundRobin)
	peers := g.Peers()
	a, b, backup := peers[0], peers[1], peers[2]
	for _, step := range []struct {
		peers []*upstream.Peer
		left  map[*upstream.Peer]bool
	}{
		{[]*upstream.Peer{a, b, backup}, nil},
		{[]*upstream.Peer{b, backup}, map[*upstream.Peer]bool{a: true}},
		{[]*upstream.Peer{b}, map[*upstream.Peer]bool{a: true, backup: true}},
		{nil, map[*upstream.Peer]bool{a: true, b: true, backup: true}},
	} {
		g.Replace(step.peers)
		for _, p := range []*upstream.Peer{a, b, backup} {
			if got := p.Left().Load(); got != step.left[p] {
				t.Errorf("%d peers: %s has left is %v, want %v", len(step.peers), p.Name, got, step.left[p])
			}
		}
	}
}
