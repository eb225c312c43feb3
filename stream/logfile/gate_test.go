package logfile

import (
	"syscall"
	"testing"
	"time"
)

func TestGate(t *testing.T) {
	start := time.Unix(1000, 0)
	tests := []struct {
		name     string
		after    time.Duration
		err      error
		reported bool
		shut     bool // afterwards, in the same second
		open     bool // a second later
	}{
		{"first failure", 0, syscall.EIO, true, false, true},
		{"within the minute", 59 * time.Second, syscall.EIO, false, false, true},
		{"full disk a minute later", 60 * time.Second, syscall.ENOSPC, true, true, true},
		{"full disk again", 61 * time.Second, syscall.ENOSPC, false, true, true},
	}
	var g Gate
	for _, tt := range tests {
		now := start.Add(tt.after)
		if got := g.Failed(now, tt.err); got != tt.reported {
			t.Errorf("%s: Failed = %v, want %v", tt.name, got, tt.reported)
		}
		if got := g.Shut(now); got != tt.shut {
			t.Errorf("%s: Shut = %v, want %v", tt.name, got, tt.shut)
		}
		if got := !g.Shut(now.Add(time.Second)); got != tt.open {
			t.Errorf("%s: a second later open = %v, want %v", tt.name, got, tt.open)
		}
	}
}
