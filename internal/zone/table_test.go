package zone

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// layout returns the layout of a zone of nginx's limit_conn.
func layout(size int64) Layout { return Layout{Size: size, Fixed: []int{64, 25}, Node: 36} }

func take(t *testing.T, z *Table, key string, limit int, want Result) *Entry {
	t.Helper()
	e, got := z.Take(key, limit)
	if got != want || (e != nil) != (want == Taken) {
		t.Fatalf("%q: got %v, %v, want %v", key, e, got, want)
	}
	return e
}

func TestTake(t *testing.T) {
	z := NewTable(layout(1 << 20))
	a1 := take(t, z, "a", 2, Taken)
	a2 := take(t, z, "a", 2, Taken)
	take(t, z, "a", 2, Over)
	b := take(t, z, "b", 1, Taken)
	a3 := take(t, z, "a", 3, Taken) // a different limit
	take(t, z, "a", 2, Over)
	if n := z.Len(); n != 2 {
		t.Errorf("got %d keys, want 2", n)
	}
	a1.Release()
	take(t, z, "a", 2, Over)
	a2.Release()
	a4 := take(t, z, "a", 2, Taken)
	for _, e := range []*Entry{a3, a4, b} {
		e.Release()
	}
	if n := z.Len(); n != 0 {
		t.Errorf("got %d keys, want none", n)
	}
}

func TestFullZoneKeepsCountingItsKeys(t *testing.T) {
	z := NewTable(layout(32768))
	var all []*Entry
	for i := range 383 {
		all = append(all, take(t, z, strconv.Itoa(i), 1, Taken))
	}
	take(t, z, "new", 1, Full)
	take(t, z, "0", 1, Over)
	take(t, z, "0", 2, Taken).Release()
	all[0].Release()
	take(t, z, "new", 1, Taken)
	take(t, z, "0", 1, Full)
}

func TestReleaseTwicePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("nothing panicked")
		}
	}()
	e := take(t, NewTable(layout(32768)), "a", 1, Taken)
	e.Release()
	e.Release()
}

// TestNoKeyIsEverAboveItsLimit takes and releases uses at random, and compares every count with the
// number of uses.
func TestNoKeyIsEverAboveItsLimit(t *testing.T) {
	const keys, limit, workers, rounds = 8, 3, 8, 5000
	z := NewTable(layout(32768))
	var held [keys]atomic.Int32
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(w)))
			for range rounds {
				k := rnd.IntN(keys)
				e, result := z.Take(strconv.Itoa(k), limit)
				if result != Taken {
					continue
				}
				if n := held[k].Add(1); n > limit {
					t.Errorf("%d places are held", n)
				}
				held[k].Add(-1)
				e.Release()
			}
		})
	}
	wg.Wait()
	if n, free := z.Len(), z.slab.pages; n != 0 || free != NewTable(layout(32768)).slab.pages {
		t.Errorf("got %d keys left and %d pages free", n, free)
	}
}

func TestAllocations(t *testing.T) {
	z := NewTable(layout(1 << 20))
	tests := []struct {
		name string
		held bool // the key is already in use
		want float64
	}{
		{"a new key", false, 1},
		{"a known key", true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.held {
				e := take(t, z, "key", 2, Taken)
				defer e.Release()
			}
			got := testing.AllocsPerRun(100, func() {
				e, _ := z.Take("key", 2)
				e.Release()
			})
			if got > tt.want {
				t.Errorf("got %v allocations, want %v", got, tt.want)
			}
		})
	}
}

func BenchmarkTakeRelease(b *testing.B) {
	z := NewTable(layout(10 << 20))
	var next atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		key := "client" + strconv.FormatInt(next.Add(1), 10)
		for pb.Next() {
			if e, result := z.Take(key, 1); result == Taken {
				e.Release()
			}
		}
	})
}
