package udp

import (
	"math"
	"testing"
	"time"
)

// TestWaitsFitTheKernel tests that a long time does not become a negative number of milliseconds,
// which would mean forever.
func TestWaitsFitTheKernel(t *testing.T) {
	for d, want := range map[time.Duration]int{
		0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, 60 * 24 * time.Hour: math.MaxInt32,
	} {
		if got := ceilMillis(d); got != want {
			t.Errorf("ceilMillis(%v) = %d, want %d", d, got, want)
		}
	}
}
