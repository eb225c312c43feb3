package stream

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ended returns how many sessions may end in that time if a loop asks every tick.
func ended(b *Budget, from time.Time, long, tick time.Duration) int {
	n := 0
	for at := time.Duration(0); at < long; at += tick {
		for b.Take(from.Add(at)) {
			n++
		}
	}
	return n
}

func TestBudget(t *testing.T) {
	now := time.Now()
	for _, rate := range []int{1, 7, 100, 200, 5000} {
		b := NewBudget(rate)
		if got := ended(b, now, 10*time.Second, 10*time.Millisecond); got < 10*rate-rate/50 || got > 10*rate+1 {
			t.Errorf("at a rate of %d, %d sessions end in 10 s", rate, got)
		}
		if got := ended(b, now.Add(time.Hour), time.Second, 10*time.Millisecond); got > rate+1 {
			t.Errorf("at a rate of %d, %d sessions end in a second after an hour", rate, got)
		}
		if got := b.PerSecond(); got != rate {
			t.Errorf("got a rate of %d, want %d", got, rate)
		}
	}
}

// TestNoBudget checks that the nil Budget sets no limit.
func TestNoBudget(t *testing.T) {
	now, none := time.Now(), (*Budget)(nil)
	none.Replace(NewBudget(1))
	for name, b := range map[string]*Budget{"nil": none, "0": NewBudget(0), "within nil": none.Within(0), "within 0": NewBudget(0).Within(0)} {
		b.Spend(now)
		for range 2 {
			if !b.Take(now) || !b.Ready(now) || b.Limiting() != nil || b.PerSecond() != 0 {
				t.Errorf("%s limits sessions", name)
			}
		}
	}
}

// TestBudgetWithin checks that sessions of an inner budget count for the outer one.
func TestBudgetWithin(t *testing.T) {
	now := time.Now()
	outer := NewBudget(100)
	inner := outer.Within(50)
	if inner.PerSecond() != 50 || outer.Within(1000).PerSecond() != 100 {
		t.Errorf("the rates are %d and %d", inner.PerSecond(), outer.Within(1000).PerSecond())
	}
	if got := ended(inner, now, time.Second, 10*time.Millisecond); got < 49 || got > 51 {
		t.Errorf("%d sessions end within 50 per second", got)
	}
	outer.Spend(now.Add(2 * time.Second))
	if at := now.Add(2 * time.Second); inner.Ready(at) || inner.Wait(at) != 10*time.Millisecond {
		t.Errorf("the inner budget waits %v", inner.Wait(at))
	}
}

// TestBudgetOfGroups checks that groups without a limit of their own share that around them.
func TestBudgetOfGroups(t *testing.T) {
	now, outer := time.Now(), NewBudget(1)
	first, second := outer.Within(0), outer.Within(0)
	if first.Limiting() != outer || !first.Take(now) || second.Take(now) || first.PerSecond() != 1 {
		t.Error("the groups do not share the rate")
	}
}

// TestBudgetReplaced checks that the budget of a newer configuration counts for aborts of earlier ones, with and
// without a limit, and that both share the rate.
func TestBudgetReplaced(t *testing.T) {
	now, later := time.Now(), time.Now().Add(time.Second)
	first, second, none, last := NewBudget(1), NewBudget(2), NewBudget(0), NewBudget(3)
	if !first.Take(now) {
		t.Fatal("the first session does not end")
	}
	second.Replace(first)
	if second.Take(now) || !first.Take(later) || second.Take(later) || first.PerSecond() != 2 {
		t.Error("the budgets do not share the rate")
	}
	none.Replace(second)
	if !first.Take(later) || !second.Take(later) || first.PerSecond() != 0 {
		t.Error("the rate continues")
	}
	last.Replace(none)
	if first.PerSecond() != 3 || first.Limiting() != last || second.Within(0).Limiting() != last || !first.Take(later) || second.Take(later) {
		t.Error("the new rate does not count")
	}
}

// TestBudgetIsShared checks the rate if several loops ask at the same time.
func TestBudgetIsShared(t *testing.T) {
	b, now := NewBudget(1000), time.Now()
	var n atomic.Int64
	var loops sync.WaitGroup
	for range 4 {
		loops.Go(func() { n.Add(int64(ended(b, now, time.Second, time.Millisecond))) })
	}
	loops.Wait()
	if got := n.Load(); got > 1001 {
		t.Errorf("%d sessions end in a second", got)
	}
}
