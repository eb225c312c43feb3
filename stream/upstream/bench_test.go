package upstream_test

import (
	"fmt"
	"testing"

	"weir/stream"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// manyServers returns n servers of the same weight.
func manyServers(n, weight int) []*upstream.PeerConf {
	list := make([]*upstream.PeerConf, n)
	for i := range list {
		name := fmt.Sprintf("10.0.%d.%d:1883", i>>8, i&255)
		list[i] = &upstream.PeerConf{Server: name, Name: name, Weight: weight, MaxFails: 1}
	}
	return list
}

// TestPickAllocations checks that a whole session allocates its Picker and nothing else.
func TestPickAllocations(t *testing.T) {
	for _, m := range methods {
		for _, peers := range []int{10, 64, 65, 1000} {
			t.Run(fmt.Sprintf("%s, %d peers", m.name, peers), func(t *testing.T) {
				g := upstream.NewGroup("u", manyServers(peers, 3), m.make(fixed(t, "a client id that is longer than what fits on a stack")))
				s := upstreamtest.NewBench().Session()
				got := testing.AllocsPerRun(100, func() {
					if err := serveOne(g, s); err != nil {
						t.Fatal(err)
					}
				})
				if got != 1 {
					t.Errorf("a session allocates %v objects, want 1", got)
				}
			})
		}
	}
}

// serveOne begins a session, chooses a peer, connects, and ends.
func serveOne(g *upstream.Group, s *stream.Session) error {
	p := g.Begin(s)
	peer, err := p.Pick()
	if err != nil {
		return err
	}
	p.Notify(peer, upstream.Connected, 0)
	p.Free(peer, upstream.Succeeded, nil)
	return nil
}

// BenchmarkRing builds the ring of a large group: 1,000 servers of weight 10 have 1.6 million
// points.
func BenchmarkRing(b *testing.B) {
	for _, weight := range []int{1, 10} {
		b.Run(fmt.Sprintf("1000 servers of weight %d", weight), func(b *testing.B) {
			list := manyServers(1000, weight)
			b.ReportAllocs()
			for b.Loop() {
				upstream.NewGroup("u", list, upstream.Consistent(stream.Template{}))
			}
		})
	}
}

// BenchmarkChoose runs a whole session of each method in a group of 100 servers.
func BenchmarkChoose(b *testing.B) {
	key, err := stream.ParseTemplate("mqttjs_12ab34cd", stream.NewVarTable())
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range methods {
		b.Run(m.name, func(b *testing.B) {
			g := upstream.NewGroup("u", manyServers(100, 1), m.make(key))
			s := upstreamtest.NewBench().Session()
			b.ReportAllocs()
			for b.Loop() {
				if err := serveOne(g, s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEdit adds and removes a server of a large group with a ring.
func BenchmarkEdit(b *testing.B) {
	tpl, err := stream.ParseTemplate("key", stream.NewVarTable())
	if err != nil {
		b.Fatal(err)
	}
	g := upstream.NewZoneGroup("u", upstream.Zone{Name: "z"}, manyServers(1000, 1), upstream.Consistent(tpl), nil, upstream.Resolving{})
	b.ReportAllocs()
	for i := range b.N {
		s := mustAdd(b, g, address(2000+i%1000))
		if _, err := g.Remove(s.ID); err != nil {
			b.Fatal(err)
		}
	}
}
