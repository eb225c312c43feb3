package poll

import "testing"

// TestOrder tests that an order visits each index once, and neighbours at least sqrt(n)/3 others apart.
func TestOrder(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 4, 10, 97, 256, 1000, 65536} {
		at := make([]int, n)
		count := 0
		for o := NewOrder(n); !o.Done(); o.Next() {
			count++
			at[o.Index()] = count
		}
		for i, place := range at {
			if place == 0 {
				t.Fatalf("of %d indexes %d is not visited", n, i)
			}
			if i == 0 || n < 97 {
				continue
			}
			if apart := max(place-at[i-1], at[i-1]-place); 9*int64(apart)*int64(apart) < int64(n) {
				t.Fatalf("of %d indexes %d and %d are visited at %d and %d", n, i-1, i, at[i-1], place)
			}
		}
		if count != n {
			t.Errorf("%d of %d indexes are visited", count, n)
		}
	}
}
