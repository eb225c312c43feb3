package upstream_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"weir/stream"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// TestRandomEdits makes random edits of a group of each method, and compares it with a new group of
// the same servers: hash methods choose the same servers, and the other ones only servers that are
// not down.
func TestRandomEdits(t *testing.T) {
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			bench, key, tpl := keyedBench(t)
			method := m.make(tpl)
			g := upstream.NewZoneGroup("u", upstream.Zone{Name: "z"}, nil, method, nil, upstream.Resolving{})
			for i := range 400 {
				randomEdit(t, rng, g)
				if i%4 > 0 {
					continue
				}
				var confs []*upstream.PeerConf
				for _, p := range g.Peers() {
					confs = append(confs, p.PeerConf)
				}
				fresh := upstream.NewGroup("u", confs, method)
				for n := range 20 {
					*key = fmt.Sprintf("device-%d-%d", i, n)
					comparePicks(t, bench, m.name, g, fresh)
				}
			}
		})
	}
}

// randomEdit adds, changes or removes a server, so that there are about ten.
func randomEdit(t *testing.T, rng *rand.Rand, g *upstream.Group) {
	t.Helper()
	all := g.Servers()
	if rng.IntN(20) >= len(all) {
		_, err := g.Add(with(address(rng.IntN(40)), weight(1+rng.IntN(3))))
		if refused, ok := errors.AsType[*upstream.EditError](err); err != nil && (!ok || refused.Code != "EntryExists") {
			t.Fatal(err)
		}
		return
	}
	id := all[rng.IntN(len(all))].ID
	var err error
	switch rng.IntN(4) {
	case 0:
		_, err = g.Remove(id)
	case 1:
		_, err = g.Patch(id, upstream.Change{Down: new(rng.IntN(2) == 0)})
	case 2:
		_, err = g.Patch(id, upstream.Change{Weight: new(1 + rng.IntN(3))})
	case 3:
		_, err = g.Patch(id, address(40+rng.IntN(200)))
	}
	if refused, ok := errors.AsType[*upstream.EditError](err); err != nil && (!ok || refused.Code != "EntryExists") {
		t.Fatal(err)
	}
}

func comparePicks(t *testing.T, bench *upstreamtest.Bench, method string, g, fresh *upstream.Group) {
	t.Helper()
	got, err := g.Begin(bench.Session()).Pick()
	want, errWant := fresh.Begin(bench.Session()).Pick()
	switch {
	case err != nil || errWant != nil:
		if !errors.Is(err, errWant) {
			t.Fatalf("got error %v, want %v", err, errWant)
		}
	case got.Down:
		t.Fatalf("picked %s, which is down", got.Server)
	case strings.HasPrefix(method, "hash") && method != "hash KEY jump" && got.Server != want.Server:
		t.Fatalf("got %s, a new group chooses %s", got.Server, want.Server)
	}
}

// TestEditMovesShare checks that a change of a consistent hash moves only the clients of the share that
// must move.
func TestEditMovesShare(t *testing.T) {
	const keys = 5000
	bench, key, tpl := keyedBench(t)
	g := upstream.NewZoneGroup("u", upstream.Zone{Name: "z"}, nil, upstream.Consistent(tpl), nil, upstream.Resolving{})
	for n := range 10 {
		mustAdd(t, g, address(n))
	}
	choose := func() []string {
		all := make([]string, keys)
		for i := range all {
			*key = fmt.Sprint("device-", i)
			all[i] = picks(t, bench, g, 1)[0]
		}
		return all
	}
	before := choose()
	added := mustAdd(t, g, address(10))
	moved := 0
	for i, server := range choose() {
		if server != before[i] {
			moved++
			if server != added.Server {
				t.Fatalf("a client moved from %s to %s, want only moves to the new server", before[i], server)
			}
		}
	}
	if share := float64(moved) / keys; share < 0.05 || share > 0.14 {
		t.Errorf("the new server took %.3f of the clients, want about 0.09", share)
	}
	if _, err := g.Patch(added.ID, upstream.Change{Down: new(true)}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(choose(), before) {
		t.Error("while the new server is down, its clients do not go back")
	}
}

// TestManyEdits makes 10,000 edits while sessions come and go, and checks that nothing is left of them.
func TestManyEdits(t *testing.T) {
	edits := 10_000
	if testing.Short() {
		edits = 1000
	}
	bench := upstreamtest.NewBench()
	bench.Vars.Resolve()
	g := upstream.NewZoneGroup("u", upstream.Zone{Name: "z"}, nil, upstream.Consistent(fixed(t, "key")), nil, upstream.Resolving{})
	mustAdd(t, g, address(0))
	var ended atomic.Bool
	var sessions sync.WaitGroup
	for range 2 {
		sessions.Go(func() {
			for !ended.Load() {
				p := g.Begin(bench.Session())
				if peer, err := p.Pick(); err == nil {
					runtime.Gosched()
					p.Free(peer, upstream.Succeeded, &stream.Try{})
				}
			}
		})
	}
	goroutines, heap := runtime.NumGoroutine(), heapInUse()
	for i := range edits / 2 {
		s := mustAdd(t, g, address(1+i%5))
		if _, err := g.Remove(s.ID); err != nil {
			t.Fatal(err)
		}
	}
	ended.Store(true)
	sessions.Wait()
	mustAdd(t, g, address(1)) // forgets servers whose last session has ended
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("got %d goroutines, there were %d", n, goroutines)
	}
	if n := upstream.GoneCounts(g); n != 0 {
		t.Errorf("got counts of %d servers that have left", n)
	}
	if after := heapInUse(); after > heap+1<<20 {
		t.Errorf("the heap has grown from %d to %d bytes", heap, after)
	}
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
