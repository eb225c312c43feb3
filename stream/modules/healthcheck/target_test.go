package healthcheck

import (
	"slices"
	"strings"
	"testing"
	"time"

	"weir/stream/upstream"
)

// TestNote lets targets see verdicts, one letter each, and compares the result after each.
func TestNote(t *testing.T) {
	verdicts := map[rune]Verdict{'p': Passed, 'f': Failed, 'd': Drain}
	letters := map[upstream.Health]string{
		upstream.Unchecked: "-", upstream.Healthy: "h", upstream.Draining: "d", upstream.Checking: "c", upstream.Unhealthy: "u",
	}
	for _, tt := range []struct {
		name          string
		start         upstream.Health
		fails, passes int
		verdicts      string
		want          string
	}{
		{"each check decides", upstream.Unchecked, 1, 1, "pfpf", "huhu"},
		{"three fails in succession", upstream.Unchecked, 3, 1, "ffpffff", "--hhhuu"},
		{"two passes in succession", upstream.Unchecked, 1, 2, "fpfppf", "uuuuhu"},
		{"a healthy peer needs one pass", upstream.Healthy, 2, 3, "fpfp", "hhhh"},
		{"the first check of a mandatory one passes", upstream.Checking, 3, 3, "pff", "hhh"},
		{"the first check of a mandatory one fails", upstream.Checking, 3, 2, "fpp", "uuh"},
		{"draining", upstream.Healthy, 2, 2, "ddppddff", "hddhhddu"},
		{"draining from the first check", upstream.Checking, 2, 1, "dfpf", "ddhh"},
		{"unhealthy, then draining", upstream.Unchecked, 1, 1, "fdp", "udh"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target := &target{check: &Check{Fails: tt.fails, Passes: tt.passes}, health: tt.start}
			var got strings.Builder
			for _, v := range tt.verdicts {
				got.WriteString(letters[target.note(verdicts[v])])
			}
			if got.String() != tt.want {
				t.Errorf("%s gives %s, want %s", tt.verdicts, &got, tt.want)
			}
		})
	}
}

// TestPlan checks that no time between two checks is shorter than half an interval or longer than
// one, and that the targets are spread over the interval after the third check.
func TestPlan(t *testing.T) {
	const interval, targets, parts = time.Second, 1000, 20
	start := time.Unix(1000, 0)
	var counts [parts]int
	for n := range targets {
		p := newPlan(start, interval, n)
		before := start
		for range 4 {
			at := p.next(before, interval)
			if gap := at.Sub(before); gap < interval/2 || gap > interval {
				t.Fatalf("target %d: %v between two checks", n, gap)
			}
			before = at
		}
		counts[before.Sub(start)%interval*parts/interval]++
	}
	for _, n := range counts {
		if n < targets/parts-2 || n > targets/parts+2 {
			t.Errorf("checks in each twentieth of the interval: %v", counts)
			break
		}
	}
}

// TestPlanAfterLongCheck checks that a check that took longer than the interval is followed by one
// at once, and that the delay is not made up for.
func TestPlanAfterLongCheck(t *testing.T) {
	start := time.Unix(1000, 0)
	p := newPlan(start, time.Second, 0)
	late := start.Add(5 * time.Second)
	if got := p.next(late, time.Second); !got.Equal(late) {
		t.Errorf("next check after %v, want %v", got.Sub(start), late.Sub(start))
	}
	if got := p.next(late, time.Second); !got.Equal(late.Add(time.Second)) {
		t.Errorf("the one after it after %v", got.Sub(start))
	}
}

// TestQueue checks the order of targets whose times change.
func TestQueue(t *testing.T) {
	var q queue
	var all []*target
	for i := range 50 {
		x := &target{place: absent, at: time.Unix(int64(i*7%50), 0)}
		all = append(all, x)
		q.set(x)
	}
	all[3].at = time.Unix(100, 0)
	q.set(all[3])
	q.remove(all[4])
	q.remove(all[4])
	var got []int64
	for len(q) > 0 {
		got = append(got, q[0].at.Unix())
		q.remove(q[0])
	}
	if !slices.IsSorted(got) || len(got) != 49 || got[48] != 100 {
		t.Errorf("got %v", got)
	}
}
