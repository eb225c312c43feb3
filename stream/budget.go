package stream

import (
	"math"
	"sync/atomic"
	"time"

	"weir/internal/relay"
)

// A Budget limits how many sessions are ended per second. Aborts that share a Budget share its rate,
// in all loops and drivers. A nil Budget sets no limit. It is safe for concurrent use.
type Budget struct {
	interval int64         // between two sessions, in nanoseconds
	due      *atomic.Int64 // when the next session may end, by relay.Monotonic
	within   *Budget       // of which each session takes a part too; may be nil
}

// budgetLag is how late a session may end without delaying those after it: loops end sessions when
// they wake up, every 10 ms.
const budgetLag = int64(20 * time.Millisecond)

// NewBudget returns a Budget of so many sessions per second; nil for 0.
func NewBudget(perSecond int) *Budget {
	if perSecond <= 0 {
		return nil
	}
	return &Budget{interval: max(int64(time.Second)/int64(perSecond), 1), due: new(atomic.Int64)}
}

// Within returns a Budget of so many sessions per second whose sessions also count for b. With 0 it
// returns b.
func (b *Budget) Within(perSecond int) *Budget {
	own := NewBudget(perSecond)
	if own == nil {
		return b
	}
	own.within = b
	return own
}

// Follow makes b continue after before, of an earlier configuration: the sessions that both end count
// for the rate. It is called before b is in use. Both may be nil.
func (b *Budget) Follow(before *Budget) {
	if b != nil && before != nil {
		b.due = before.due
	}
}

// Take reports whether one more session may end now, and counts it.
func (b *Budget) Take(now time.Time) bool {
	if b == nil {
		return true
	}
	if !b.Ready(now) {
		return false
	}
	at := relay.Monotonic(now)
	for {
		due := b.due.Load()
		switch {
		case due > at:
			return false
		case b.due.CompareAndSwap(due, b.next(due, at)):
			return b.within.Take(now)
		}
	}
}

// next returns when the next session may end after one that was due and ended at these times. After a
// pause the rate starts again: sessions that did not end are not added to those that end later.
func (b *Budget) next(due, at int64) int64 {
	if due < at-budgetLag {
		return at + b.interval
	}
	return due + b.interval
}

// Ready reports whether a session may end now.
func (b *Budget) Ready(now time.Time) bool { return b.Wait(now) == 0 }

// Wait returns how long it takes until a session may end.
func (b *Budget) Wait(now time.Time) time.Duration {
	if b == nil {
		return 0
	}
	return max(time.Duration(b.due.Load()-relay.Monotonic(now)), b.within.Wait(now), 0)
}

// Spend counts a session that ends now although it may exceed the rate.
func (b *Budget) Spend(now time.Time) {
	if b == nil {
		return
	}
	at := relay.Monotonic(now)
	for {
		due := b.due.Load()
		if b.due.CompareAndSwap(due, b.next(max(due, at), at)) {
			b.within.Spend(now)
			return
		}
	}
}

// PerSecond returns the rate, or 0 for no limit.
func (b *Budget) PerSecond() int {
	if b == nil {
		return 0
	}
	own := int(min(int64(time.Second)/b.interval, math.MaxInt32))
	if outer := b.within.PerSecond(); outer > 0 {
		return min(own, outer)
	}
	return own
}
