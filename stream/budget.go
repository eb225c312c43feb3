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
	interval int64                  // between two sessions, in nanoseconds; 0 sets no limit
	due      atomic.Int64           // when the next session may end, by relay.Monotonic
	within   *Budget                // of which each session takes a part too; may be nil
	by       atomic.Pointer[Budget] // that has replaced this one, or nil
}

// budgetLag is how late a session may end without delaying those after it: loops end sessions when
// they wake up, every 10 ms.
const budgetLag = int64(20 * time.Millisecond)

// NewBudget returns a Budget of so many sessions per second; 0 sets no limit.
func NewBudget(perSecond int) *Budget {
	if perSecond <= 0 {
		return &Budget{}
	}
	return &Budget{interval: max(int64(time.Second)/int64(perSecond), 1)}
}

// Within returns a Budget of so many sessions per second, or without a limit of its own for 0, whose
// sessions also count for b.
func (b *Budget) Within(perSecond int) *Budget {
	own := NewBudget(perSecond)
	own.within = b
	return own
}

// Replace makes the aborts that use before, of an earlier configuration, use b from now on. It is called when
// b is in use. Both may be nil; then it does nothing.
func (b *Budget) Replace(before *Budget) {
	if b == nil || before == nil || b == before {
		return
	}
	if limiting := before.Limiting(); limiting != nil {
		b.delay(limiting.due.Load())
	}
	before.by.Store(b)
}

// delay makes the next session end at that time at the earliest.
func (b *Budget) delay(until int64) {
	for {
		due := b.due.Load()
		if due >= until || b.due.CompareAndSwap(due, until) {
			return
		}
	}
}

// newest returns the Budget that has replaced b, or b.
func (b *Budget) newest() *Budget {
	newest := b
	for by := b.by.Load(); by != nil; by = by.by.Load() {
		newest = by
	}
	if newest != b {
		b.by.Store(newest) // those between need not stay in memory
	}
	return newest
}

// Limiting returns the Budget that limits the sessions of b now: that which has replaced b, or the one
// around it if it has no limit of its own. It returns nil if nothing limits them.
func (b *Budget) Limiting() *Budget {
	for b != nil {
		b = b.newest()
		if b.interval > 0 {
			return b
		}
		b = b.within
	}
	return nil
}

// Take reports whether one more session may end now, and counts it.
func (b *Budget) Take(now time.Time) bool {
	b = b.Limiting()
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
		case b.due.CompareAndSwap(due, b.dueAfter(due, at)):
			return b.within.Take(now)
		}
	}
}

// dueAfter returns when the next session may end after one that was due and ended at these times. After a
// pause the rate starts again: sessions that did not end are not added to those that end later.
func (b *Budget) dueAfter(due, at int64) int64 {
	if due < at-budgetLag {
		return at + b.interval
	}
	return due + b.interval
}

// Ready reports whether a session may end now.
func (b *Budget) Ready(now time.Time) bool { return b.Wait(now) == 0 }

// Wait returns how long it takes until a session may end.
func (b *Budget) Wait(now time.Time) time.Duration {
	b = b.Limiting()
	if b == nil {
		return 0
	}
	return max(time.Duration(b.due.Load()-relay.Monotonic(now)), b.within.Wait(now), 0)
}

// Spend counts a session that ends now although it may exceed the rate.
func (b *Budget) Spend(now time.Time) {
	b = b.Limiting()
	if b == nil {
		return
	}
	at := relay.Monotonic(now)
	for {
		due := b.due.Load()
		if b.due.CompareAndSwap(due, b.dueAfter(max(due, at), at)) {
			b.within.Spend(now)
			return
		}
	}
}

// PerSecond returns the rate, or 0 for no limit.
func (b *Budget) PerSecond() int {
	b = b.Limiting()
	if b == nil {
		return 0
	}
	own := int(min(int64(time.Second)/b.interval, math.MaxInt32))
	if outer := b.within.PerSecond(); outer > 0 {
		return min(own, outer)
	}
	return own
}
