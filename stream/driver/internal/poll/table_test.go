package poll

import (
	"slices"
	"testing"
)

func TestTable(t *testing.T) {
	var table Table[int]
	values := []int{10, 11, 12}
	for i := range values {
		index, serial := table.Add(&values[i])
		if index != uint32(i) || serial != uint32(i+1) {
			t.Errorf("got index %d, serial %d; want %d, %d", index, serial, i, i+1)
		}
	}
	table.Remove(1)
	if table.At(1) != nil || table.Len() != 3 {
		t.Errorf("got %v at a free index, of %d", table.At(1), table.Len())
	}
	var all []int
	for v := range table.All() {
		all = append(all, *v)
	}
	if !slices.Equal(all, []int{10, 12}) {
		t.Errorf("got %v, want 10 and 12", all)
	}
	table.Leak(2)
	other := 13
	for _, want := range []uint32{1, 3} {
		if index, serial := table.Add(&other); index != want || serial <= 3 {
			t.Errorf("got index %d, serial %d; want %d and a new serial", index, serial, want)
		}
	}
}
