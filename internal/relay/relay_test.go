package relay

import (
	"testing"
	"unsafe"
)

func TestEndNames(t *testing.T) {
	seen := map[string]bool{End(0).String(): true}
	for e := ClientEOF; e <= Aborted; e++ {
		if seen[e.String()] {
			t.Errorf("End %d: %q is another's name", e, e)
		}
		seen[e.String()] = true
	}
}

// The size of a Result adds to the memory of each session; the counters are most of it.
func TestResultIsSmall(t *testing.T) {
	if got := unsafe.Sizeof(Result{}); got > 40 {
		t.Errorf("a Result takes %d bytes, want 40", got)
	}
}
