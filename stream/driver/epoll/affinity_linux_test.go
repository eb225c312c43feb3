package epoll

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/stream/offline"
)

// TestStay checks the processors that the threads of loops may run on.
func TestStay(t *testing.T) {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	last := -1
	for cpu := range 1024 {
		if all.IsSet(cpu) {
			last = cpu
		}
	}
	for _, tt := range []struct {
		name string
		cpus []int
		n    int // number of processors the thread may use
		log  []string
	}{
		{"any", nil, all.Count(), nil},
		{"one", []int{last}, 1, []string{"using cpu #"}},
		{"one that does not exist", []int{1023}, all.Count(), []string{"using cpu #1023", "[alert] sched_setaffinity() failed (22: Invalid argument)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env, lines := offline.NewEnv(time.Now)
			d, err := New(env, Options{Loops: 1, CPUs: func(int) []int { return tt.cpus }})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			l := d.all()[0]
			l.mail.Call(func() error {
				l.pinThread()
				var set unix.CPUSet
				if err := unix.SchedGetaffinity(0, &set); err != nil || set.Count() != tt.n {
					t.Errorf("got %d processors (%v), want %d", set.Count(), err, tt.n)
				}
				return nil
			})
			if got := lines.All(); len(got) != len(tt.log) || slices.ContainsFunc(tt.log, func(s string) bool { return lines.Count(s) != 1 }) {
				t.Errorf("got %q, want %q", got, tt.log)
			}
		})
	}
}
