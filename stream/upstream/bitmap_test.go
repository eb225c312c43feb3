package upstream

import (
	"math/rand/v2"
	"testing"
)

// TestBitmap compares random sets with a map.
func TestBitmap(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 63, 64, 65, 128, 129, 1000} {
		var b bitmap
		want := map[int]bool{}
		for range 300 {
			i := rng.IntN(n)
			b.set(i, n)
			want[i] = true
			if rng.IntN(100) == 0 {
				b.clear()
				clear(want)
			}
			for i := range n {
				if b.has(i) != want[i] {
					t.Fatalf("of %d: has(%d) is %t, want %t", n, i, b.has(i), want[i])
				}
			}
		}
	}
}

// TestBitmapAllocations checks that one tried peer of a large group does not allocate, at
// any position.
func TestBitmapAllocations(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  []int
		want float64
	}{
		{"among the first", []int{3, 63}, 0}, {"beyond", []int{999}, 0}, {"one of each", []int{3, 64}, 0}, {"two beyond", []int{64, 65}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := testing.AllocsPerRun(10, func() {
				var b bitmap
				for _, i := range tt.set {
					b.set(i, 1000)
				}
			})
			if got != tt.want {
				t.Errorf("got %v allocations, want %v", got, tt.want)
			}
		})
	}
}
