package relay

import (
	"testing"
	"time"
)

func TestMonotonic(t *testing.T) {
	at := time.Unix(1_700_000_000, 5)
	if got := Monotonic(at); got != at.UnixNano() {
		t.Errorf("got %d of a time without a monotonic reading, want %d", got, at.UnixNano())
	}
	now := time.Now()
	if passed := Monotonic(now.Add(time.Hour)) - Monotonic(now); passed != int64(time.Hour) {
		t.Errorf("an hour takes %v", time.Duration(passed))
	}
}
