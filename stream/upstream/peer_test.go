package upstream_test

import (
	"slices"
	"testing"
	"time"

	"weir/stream"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// edit replaces the i-th peer of the group by one with another configuration and the same state.
func edit(g *upstream.Group, i int, change func(*upstream.PeerConf)) {
	peers := g.Peers()
	c := *peers[i].PeerConf
	change(&c)
	peers[i] = upstream.WithConf(peers[i], &c)
	g.Replace(peers)
}

// TestEditedPeerKeepsItsState checks that another configuration of a peer applies at once, and that
// the peer keeps its ID, failures and sessions and does not leave the group.
func TestEditedPeerKeepsItsState(t *testing.T) {
	bench := upstreamtest.NewBench()
	a, b := peer("a", 1, 10), peer("b", 1, 10)
	g := upstream.NewGroup("u", []*upstream.PeerConf{&a, &b}, upstream.RoundRobin)
	p := g.Begin(bench.Session())
	failed, err := p.Pick()
	if err != nil {
		t.Fatal(err)
	}
	p.Free(failed, upstream.Failed, &stream.Try{})
	edit(g, 0, func(c *upstream.PeerConf) { c.FailTimeout = time.Minute })
	edit(g, 1, func(c *upstream.PeerConf) { c.MaxConns = 2 })
	if got := picks(t, bench, g, 2); got[0] != "b" || got[1] != "b" {
		t.Errorf("got servers %q, want b twice, because a has failed", got)
	}
	edit(g, 1, func(c *upstream.PeerConf) { c.MaxConns = 3 })
	if second, err := p.Pick(); err != nil || second.Server != "b" {
		t.Errorf("got server %v and error %v, want b for the third session", second, err)
	}
	if _, err := g.Begin(bench.Session()).Pick(); err == nil {
		t.Error("a fourth session gets a server, want max_conns=3")
	}
	bench.Advance(30 * time.Second)
	if _, err := g.Begin(bench.Session()).Pick(); err == nil {
		t.Error("a is used 30 seconds after its failure, want fail_timeout=60s")
	}
	for i, p := range g.Peers() {
		if p.ID != i || p.Left().Load() {
			t.Errorf("%s has ID %d and has left: %v", p.Server, p.ID, p.Left().Load())
		}
	}
}

// TestEditedPeerIsNotTriedAgain checks that a session does not get a peer that it has tried under
// another configuration.
func TestEditedPeerIsNotTriedAgain(t *testing.T) {
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) {
			a, b := peer("a", 0, 10), peer("b", 0, 10)
			g := upstream.NewGroup("u", []*upstream.PeerConf{&a, &b}, m.make(fixed(t, "key")))
			p := g.Begin(upstreamtest.NewBench().Session())
			for range 2 {
				tried, err := p.Pick()
				if err != nil {
					t.Fatal(err)
				}
				p.Free(tried, upstream.Failed, &stream.Try{})
				edit(g, tried.ID, func(c *upstream.PeerConf) { c.Weight++ })
			}
			if again, err := p.Pick(); err == nil {
				t.Errorf("%s is tried twice", again.Server)
			}
		})
	}
}

// TestIDsAreNotUsedAgain checks that a server that returns gets another ID.
func TestIDsAreNotUsedAgain(t *testing.T) {
	f := newDynamicGroup(t, upstream.RoundRobin, dynamicServer(""), servers("x")...)
	f.setRecords(t, "b.example", "A", "127.0.0.1", "127.0.0.2")
	f.setRecords(t, "b.example", "A", "127.0.0.2")
	f.setRecords(t, "b.example", "A", "127.0.0.2", "127.0.0.1")
	var got []int
	for _, p := range f.group.Peers() {
		got = append(got, p.ID)
	}
	if want := []int{0, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("got IDs %v, want %v", got, want)
	}
}
