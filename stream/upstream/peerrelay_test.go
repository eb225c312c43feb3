package upstream

import (
	"sync"
	"testing"

	"weir/internal/relay"
)

func inZone() *Group { return NewZoneGroup("g", Zone{Name: "z"}, nil, RoundRobin, nil, Resolving{}) }

func TestPeerRelay(t *testing.T) {
	g := newGroup("g", RoundRobin)
	conf := &PeerConf{Name: "a", Weight: 1}
	spec := &relay.Spec{BufferSize: 1}
	plain := g.NewPeer(conf)
	if plain.Relay(spec, false) != spec {
		t.Error("a peer without counters has a Spec of its own")
	}
	if got := plain.Relay(spec, true); got.Left != plain.Left() || got.Peer != nil || got.BufferSize != 1 {
		t.Errorf("got %+v for a session that ends with its server", got)
	}
	counted := inZone().NewPeer(conf)
	got := counted.Relay(spec, false)
	if got.Peer == nil || got.Peer != counted.Traffic() || got.Left != nil || spec.Peer != nil {
		t.Errorf("got %+v, the shared one is %+v", got, spec)
	}
	if counted.Relay(spec, false) != got {
		t.Error("two sessions of one server block do not share their Spec")
	}
	if other := counted.Relay(&relay.Spec{BufferSize: 2}, false); other.BufferSize != 2 || other.Peer != got.Peer {
		t.Errorf("got %+v for another server block", other)
	}
}

// TestPeerRelayConcurrently checks that sessions which begin at the same time get the same Spec.
func TestPeerRelayConcurrently(t *testing.T) {
	p := inZone().NewPeer(&PeerConf{Name: "a", Weight: 1})
	spec := &relay.Spec{}
	var got [8]*relay.Spec
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i] = p.Relay(spec, false) })
	}
	wg.Wait()
	for _, s := range got {
		if s != got[0] {
			t.Fatal("the sessions have different Specs")
		}
	}
}
