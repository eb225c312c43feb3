package clienthello

import (
	"testing"

	"weir/internal/testmutate"
)

// TestMutatedHellos gives changed ClientHellos to the parser, in one piece.
func TestMutatedHellos(t *testing.T) {
	var seeds [][]byte
	for _, config := range configs() {
		seeds = append(seeds, sent(config))
	}
	testmutate.Run(t, seeds, func(b []byte) {
		if got := parse(&Parser{}, b); len(got.name) > len(b) {
			t.Fatalf("%q: got %+v", b, got)
		}
	})
}
