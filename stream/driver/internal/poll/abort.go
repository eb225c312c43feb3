package poll

import (
	"sync/atomic"
	"time"

	"weir/stream"
)

const (
	// abortSlice is how many connections a loop checks before it serves other work.
	abortSlice = 256
	// AbortTick is the interval at which a paced abort continues.
	AbortTick = 10 * time.Millisecond
)

// A Budget limits how many sessions of all loops together may end so far. It is safe for concurrent
// use.
type Budget struct {
	start time.Time
	rate  int64 // per second; 0 disables the limit
	spent atomic.Int64
}

// NewBudget returns a budget that grows with the pace from now on.
func NewBudget(p stream.Pace) *Budget { return &Budget{start: time.Now(), rate: int64(p.PerSecond)} }

// take reports whether one more session may end now.
func (b *Budget) take(now time.Time) bool {
	if b.rate <= 0 {
		return true
	}
	if b.spent.Add(1) <= b.allowed(now) {
		return true
	}
	b.spent.Add(-1)
	return false
}

func (b *Budget) allowed(now time.Time) int64 {
	return int64(now.Sub(b.start)) * b.rate / int64(time.Second)
}

// ready reports whether a session may end now.
func (b *Budget) ready(now time.Time) bool { return b.rate <= 0 || b.spent.Load() < b.allowed(now) }

// An Abort is an abort in progress in one loop. It has not checked the connections from index next
// to index end.
type Abort struct {
	match  func(*stream.Session) bool
	budget *Budget
	next   uint32
	end    uint32
}

// Missed reports whether the abort matches a session that could not be checked in its turn, and
// counts it: the session must be aborted now, whatever the pace.
func (a *Abort) Missed(s *stream.Session) bool {
	if !a.match(s) {
		return false
	}
	a.budget.spent.Add(1)
	return true
}

// Aborts are the aborts in progress in a loop, the oldest first. The zero Aborts is empty.
type Aborts []*Abort

// Start begins an abort of the matching sessions among the first connections of the loop's table.
func (a *Aborts) Start(match func(*stream.Session) bool, b *Budget, connections int) {
	*a = append(*a, &Abort{match: match, budget: b, end: uint32(connections)})
}

// Ready reports whether an abort can continue at once.
func (a Aborts) Ready(now time.Time) bool { return len(a) > 0 && a[0].budget.ready(now) }

// An Abortable is a loop as its aborts use it.
type Abortable interface {
	// Select makes the loop work for the connection at an index, and returns its session, or nil
	// if the index is free.
	Select(index uint32) *stream.Session
	// AbortSelected reports the abort to the session of that connection, which may continue.
	AbortSelected()
}

// Continue checks a slice of the sessions for the oldest abort.
func (a *Aborts) Continue(now time.Time, l Abortable) {
	if len(*a) == 0 {
		return
	}
	oldest := (*a)[0]
	for range abortSlice {
		if oldest.next >= oldest.end {
			*a = (*a)[1:]
			return
		}
		s := l.Select(oldest.next)
		if s != nil && oldest.match(s) {
			if !oldest.budget.take(now) {
				return
			}
			l.AbortSelected()
		}
		oldest.next++
	}
}
