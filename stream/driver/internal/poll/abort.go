package poll

import (
	"slices"
	"time"

	"weir/stream"
)

const (
	// abortSlice is how many connections a loop checks before it serves other work.
	abortSlice = 256
	// AbortTick is the interval at which a paced abort continues.
	AbortTick = 10 * time.Millisecond
)

// An Abort is an abort in progress in one loop.
type Abort struct {
	match  func(*stream.Session) bool
	budget *stream.Budget
	order  Order // of the indexes of the connections
}

// Missed reports whether the abort matches a session that could not be checked in its turn, and
// counts it: the session must be aborted now, whatever the rate.
func (a *Abort) Missed(now time.Time, s *stream.Session) bool {
	if !a.match(s) {
		return false
	}
	a.budget.Spend(now)
	return true
}

// Aborts are the aborts in progress in a loop. The zero Aborts is empty.
type Aborts []*Abort

// Start begins an abort of the matching sessions among the first connections of the loop's table.
func (a *Aborts) Start(match func(*stream.Session) bool, b *stream.Budget, connections int) {
	*a = append(*a, &Abort{match: match, budget: b, order: NewOrder(connections)})
}

// Ready reports whether an abort can continue at once.
func (a Aborts) Ready(now time.Time) bool {
	return slices.ContainsFunc(a, func(one *Abort) bool { return one.budget.Ready(now) })
}

// An Abortable is a loop as its aborts use it.
type Abortable interface {
	// Select makes the loop work for the connection at an index, and returns its session, or nil
	// if the index is free. An abort that a session cannot meet now must be kept for later.
	Select(index uint32, by *Abort) *stream.Session
	// AbortSelected reports the abort to the session of that connection, which may continue.
	AbortSelected()
}

// Continue checks a slice of the sessions for each abort.
func (a *Aborts) Continue(now time.Time, l Abortable) {
	if len(*a) == 0 {
		return
	}
	*a = slices.DeleteFunc(*a, func(one *Abort) bool { return one.run(now, l) })
}

// run checks a slice of the sessions, and reports whether it has checked all.
func (a *Abort) run(now time.Time, l Abortable) (done bool) {
	for range abortSlice {
		if a.order.Done() {
			return true
		}
		s := l.Select(a.order.Index(), a)
		if s != nil && a.match(s) {
			if !a.budget.Take(now) {
				return false
			}
			l.AbortSelected()
		}
		a.order.Next()
	}
	return a.order.Done()
}
