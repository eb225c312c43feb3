package epoll

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWorkersRunSlowHandshakes tests which handshakes a loop leaves to the workers.
func TestWorkersRunSlowHandshakes(t *testing.T) {
	w := newWorkers(1, time.Millisecond)
	for _, tt := range []struct {
		name string
		loop *loop
		slow bool
		want bool
	}{
		{"a cheap one", &loop{workers: w}, false, false},
		{"one that reads files", &loop{workers: w}, true, true},
		{"an expensive one", &loop{workers: w, handshakeCost: time.Millisecond}, false, true},
		{"in a loop that stays on its processor", &loop{workers: w, pinned: &unix.CPUSet{}}, true, false},
		{"without workers", &loop{}, true, false},
	} {
		if got := tt.loop.prefersWorker(&handshake{slow: tt.slow}); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
