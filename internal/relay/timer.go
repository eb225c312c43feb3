package relay

import (
	"math/bits"
	"time"
)

// A Wheel fires timers at coarse times, for very many timers that are nearly always moved before
// they fire. Moving a timer to a later time changes only the timer itself: the wheel files it again
// when its old time arrives.
//
// A timer never fires early, and less than a tick late if Expired is called when Next says. A timer
// set to a past time fires at the next tick. Filing, moving and removing take constant time and do
// not allocate.
//
// A Wheel, with its timers, belongs to one goroutine, or is guarded by its owner's lock.
type Wheel[T any] struct {
	start time.Time
	tick  time.Duration
	now   int64       // the last tick that was started; timers in its slot may still have to fire
	heads []*Timer[T] // tick k is in slot k modulo len; a slot's list is circular
	busy  []uint64    // one bit for each slot, set while it contains a timer
	count int
}

// A Timer is one deadline, to be embedded in the value that it belongs to. The zero Timer is ready,
// and not filed. It must not be copied, nor filed in two wheels at once.
type Timer[T any] struct {
	Owner      T // for the receiver of the fired timer; the wheel does not use it
	deadline   time.Duration
	filed      int64 // the tick of its slot; its deadline may be later
	next, prev *Timer[T]
}

// NewWheel returns a wheel whose ticks are counted from start. A timer within tick × slots is
// checked once; a later one is checked once more for each multiple of that time. Slots are rounded
// up to a multiple of 64.
func NewWheel[T any](start time.Time, tick time.Duration, slots int) *Wheel[T] {
	words := max((slots+63)/64, 1)
	return &Wheel[T]{start: start, tick: tick, heads: make([]*Timer[T], words*64), busy: make([]uint64, words)}
}

// Len returns the number of filed timers.
func (w *Wheel[T]) Len() int { return w.count }

// Filed reports whether t is in a wheel: it was set and has neither fired nor been removed.
func (t *Timer[T]) Filed() bool { return t.next != nil }

// Set makes t fire at the given time instead of any earlier one. Moving a filed timer to a later time is a store.
func (w *Wheel[T]) Set(t *Timer[T], at time.Time) {
	t.deadline = at.Sub(w.start)
	if t.Filed() {
		if w.tickOf(t.deadline) >= t.filed {
			return
		}
		w.unlink(t)
	}
	w.file(t)
}

// Remove removes t; it will not fire. A timer that is not filed is ignored.
func (w *Wheel[T]) Remove(t *Timer[T]) {
	if t.Filed() {
		w.unlink(t)
	}
}

// Expired removes one timer whose deadline is not after now, and returns it, or nil if none is
// left. Timers may be set and removed between calls. The order of expired timers is undefined.
func (w *Wheel[T]) Expired(now time.Time) *Timer[T] {
	passed := now.Sub(w.start)
	target := int64(passed / w.tick)
	for {
		if t := w.expiredIn(w.slot(w.now), passed); t != nil {
			return t
		}
		if w.now >= target {
			return nil
		}
		w.now++
		// After a long sleep one turn visits every slot, and with it every timer.
		w.now = max(w.now, target-int64(len(w.heads))+1)
	}
}

// Next returns how long after now to call Expired again, and false if no timer is filed. It may be
// too early if the timers that it considers have been moved; then none has expired.
func (w *Wheel[T]) Next(now time.Time) (time.Duration, bool) {
	if w.count == 0 {
		return 0, false
	}
	due := w.start.Add(time.Duration(w.now+w.untilBusy()) * w.tick)
	return max(due.Sub(now), 0), true
}

// expiredIn empties a slot up to the first expired timer, and files moved timers again.
func (w *Wheel[T]) expiredIn(slot int, passed time.Duration) *Timer[T] {
	for t := w.heads[slot]; t != nil; t = w.heads[slot] {
		w.unlink(t)
		if t.deadline <= passed {
			return t
		}
		w.file(t)
	}
	return nil
}

// tickOf returns the first tick at which a timer with this deadline may fire without being early.
func (w *Wheel[T]) tickOf(deadline time.Duration) int64 {
	if deadline <= 0 {
		return 0
	}
	return int64((deadline-1)/w.tick) + 1 // (deadline + tick - 1) / tick may overflow
}

// slot returns the slot of a tick.
func (w *Wheel[T]) slot(tick int64) int { return int(tick % int64(len(w.heads))) }

// lookAhead is the number of times per turn of the wheel that timers beyond the wheel are checked.
// They need no exact time, and each check costs a wake-up.
const lookAhead = 16

// file puts t into the slot of its deadline: into the next slot if the deadline has passed, into
// one of the furthest if it is beyond the wheel. It never uses the current slot, which is being
// emptied.
func (w *Wheel[T]) file(t *Timer[T]) {
	size := int64(len(w.heads))
	t.filed = max(w.tickOf(t.deadline), w.now+1)
	if furthest := w.now + size - 1; t.filed > furthest {
		t.filed = furthest - furthest%(size/lookAhead)
	}
	slot := w.slot(t.filed)
	head := w.heads[slot]
	if head == nil {
		t.next, t.prev = t, t
		w.heads[slot] = t
		w.busy[slot/64] |= 1 << (slot % 64)
	} else {
		t.next, t.prev = head, head.prev
		head.prev.next, head.prev = t, t
	}
	w.count++
}

// unlink removes a filed timer from its slot.
func (w *Wheel[T]) unlink(t *Timer[T]) {
	slot := w.slot(t.filed)
	switch {
	case t.next == t:
		w.heads[slot] = nil
		w.busy[slot/64] &^= 1 << (slot % 64)
	case w.heads[slot] == t:
		w.heads[slot] = t.next
	}
	t.next.prev, t.prev.next = t.prev, t.next
	t.next, t.prev = nil, nil
	w.count--
}

// untilBusy returns the number of ticks from the current one to the first slot with a timer. There
// must be one.
func (w *Wheel[T]) untilBusy() int64 {
	from := w.slot(w.now)
	for i := range len(w.busy) + 1 {
		word := (from/64 + i) % len(w.busy)
		set := w.busy[word]
		if i == 0 {
			set &= ^uint64(0) << (from % 64)
		}
		if set != 0 {
			slot := word*64 + bits.TrailingZeros64(set)
			return int64((slot - from + len(w.heads)) % len(w.heads))
		}
	}
	return 0
}
