package relay

import (
	"math/bits"
	"time"
)

// A Wheel fires timers at coarse times, for very many timers that are nearly always moved before they fire. Moving one to a
// later time touches nothing but the timer itself: only when its old time comes does the wheel look where it belongs now.
//
// A timer never fires early, and less than a tick late if Expired is called when Next says. One that is set to a time already
// past fires with the next tick. Filing, moving and removing take constant time and allocate nothing.
//
// A Wheel, with the timers filed in it, belongs to one goroutine, or to whoever holds its owner's lock.
type Wheel[T any] struct {
	start time.Time
	tick  time.Duration
	now   int64       // the last tick that was begun; timers in its slot may still have to fire
	heads []*Timer[T] // tick k is in slot k modulo len; a slot's list is circular
	busy  []uint64    // one bit for each slot, set while it holds a timer
	count int
}

// A Timer is one deadline, to be embedded in what it belongs to. The zero Timer is ready, and not filed. It must not be
// copied, nor filed in two wheels at once.
type Timer[T any] struct {
	Owner      T // for who receives the timer when it has fired; the wheel does not look at it
	deadline   time.Duration
	filed      int64 // the tick whose slot it is in; it may belong later
	next, prev *Timer[T]
}

// NewWheel returns a wheel whose ticks are counted from start. A timer within tick × slots is looked at once; one that is
// further away once more for each time that long. Slots are rounded up to a multiple of 64.
func NewWheel[T any](start time.Time, tick time.Duration, slots int) *Wheel[T] {
	words := max((slots+63)/64, 1)
	return &Wheel[T]{start: start, tick: tick, heads: make([]*Timer[T], words*64), busy: make([]uint64, words)}
}

// Len returns how many timers are filed.
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

// Remove takes t out; it will not fire. A timer that is not filed is left alone.
func (w *Wheel[T]) Remove(t *Timer[T]) {
	if t.Filed() {
		w.unlink(t)
	}
}

// Expired takes one timer out whose deadline is not after now, and returns it, or nil when there is none left. Timers may be
// set and removed between calls. Among themselves, expired timers come in no order to rely on.
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
		// After a long sleep one turn sees every slot, and with it every timer.
		w.now = max(w.now, target-int64(len(w.heads))+1)
	}
}

// Next returns how long after now Expired should be called again, and false if nothing is filed. It may be too early, when
// the timers that it knows of have been moved, and then nothing will have expired.
func (w *Wheel[T]) Next(now time.Time) (time.Duration, bool) {
	if w.count == 0 {
		return 0, false
	}
	due := w.start.Add(time.Duration(w.now+w.untilBusy()) * w.tick)
	return max(due.Sub(now), 0), true
}

// expiredIn empties a slot up to the first timer that has expired, filing those that were moved where they belong now.
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

// tickOf returns the first tick at which a timer with this deadline may fire, so that it is never early.
func (w *Wheel[T]) tickOf(deadline time.Duration) int64 {
	if deadline <= 0 {
		return 0
	}
	return int64((deadline-1)/w.tick) + 1 // (deadline + tick - 1) / tick may overflow
}

// slot returns where the timers of a tick are.
func (w *Wheel[T]) slot(tick int64) int { return int(tick % int64(len(w.heads))) }

// lookAhead is how many times in a turn of the wheel those timers are looked at that are beyond it. They need no exact time, and each
// look costs a wake-up.
const lookAhead = 16

// file puts t in the slot of its deadline: the next one if that has passed, one of the furthest if it is beyond the wheel. It is
// never the current slot, which is being emptied.
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

// unlink takes a filed timer out of its slot.
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

// untilBusy returns how many ticks ahead of the current one the first slot with a timer is. There must be one.
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
