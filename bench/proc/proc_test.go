//go:build linux

package proc

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// child starts a process that waits for its standard input to close.
func child(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	return cmd.Process.Pid
}

func TestTreeHasChildren(t *testing.T) {
	pid := child(t)
	tree, err := Tree(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(tree, pid) || !slices.Contains(tree, os.Getpid()) {
		t.Errorf("got %v, want %d and its child %d among them", tree, os.Getpid(), pid)
	}
}

func TestCPUIsCounted(t *testing.T) {
	pids := []int{os.Getpid(), child(t)}
	before, err := CPUOf(pids)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for time.Since(begin) < 20*time.Millisecond {
	}
	after, err := CPUOf(pids)
	if err != nil {
		t.Fatal(err)
	}
	if used, err := after.Since(before); err != nil || used <= 0 || used > time.Minute {
		t.Errorf("got %v, %v, want some milliseconds", used, err)
	}
}

func TestSinceCountsNewProcessesAndMissesNone(t *testing.T) {
	tests := []struct {
		name          string
		before, after CPU
		want          time.Duration
		fails         bool
	}{
		{"the same", CPU{1: 10, 2: 5}, CPU{1: 13, 2: 5}, 3, false},
		{"a new one", CPU{1: 10}, CPU{1: 11, 2: 4}, 5, false},
		{"one that ended", CPU{1: 10, 2: 5}, CPU{1: 13}, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.after.Since(tt.before)
			if got != tt.want || (err != nil) != tt.fails {
				t.Errorf("got %v, %v, want %v, error %v", got, err, tt.want, tt.fails)
			}
		})
	}
}

func TestPeakIsNotBelowWhatIsThere(t *testing.T) {
	pids := []int{os.Getpid(), child(t)}
	peak, err := PeakOf(pids)
	if err != nil || peak < 1<<20 {
		t.Errorf("got %d, %v, want a MiB at least", peak, err)
	}
}

func TestUsageIsRead(t *testing.T) {
	got, err := UsageOf([]int{os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	if got.PSS < 1<<20 || got.Descriptors < 3 {
		t.Errorf("got %+v, want a MiB and three descriptors at least", got)
	}
}
