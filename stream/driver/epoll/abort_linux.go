package epoll

import (
	"sync/atomic"
	"time"

	"weir/internal/relay"
	"weir/stream"
)

const (
	// abortSlice is how many sessions a loop looks at before it serves the others again.
	abortSlice = 256
	// abortTick is how often a paced abort goes on.
	abortTick = 10 * time.Millisecond
)

// A budget says how many sessions may be ended by now, all loops together.
type budget struct {
	start time.Time
	rate  int64 // in a second; 0: no limit
	spent atomic.Int64
}

func newBudget(p stream.Pace) *budget { return &budget{start: time.Now(), rate: int64(p.PerSecond)} }

// take reports whether one more may end now.
func (b *budget) take(now time.Time) bool {
	if b.rate <= 0 {
		return true
	}
	if b.spent.Add(1) <= b.allowed(now) {
		return true
	}
	b.spent.Add(-1)
	return false
}

func (b *budget) allowed(now time.Time) int64 {
	return int64(now.Sub(b.start)) * b.rate / int64(time.Second)
}

// An abort is under way in one loop: the connections from next on have not been asked yet.
type abort struct {
	match  func(*stream.Session) bool
	budget *budget
	next   int
	end    int
}

// ready reports whether the abort could go on at once.
func (a *abort) ready(now time.Time) bool {
	return a.budget.rate <= 0 || a.budget.spent.Load() < a.budget.allowed(now)
}

func (l *loop) startAbort(match func(*stream.Session) bool, b *budget) {
	l.aborts = append(l.aborts, &abort{match: match, budget: b, end: len(l.conns)})
}

// continueAborts asks a slice of the sessions for the first abort that is under way.
func (l *loop) continueAborts() {
	if len(l.aborts) == 0 {
		return
	}
	a := l.aborts[0]
	for range abortSlice {
		if a.next >= a.end {
			l.aborts = l.aborts[1:]
			return
		}
		c := l.conns[a.next]
		l.current = c
		if c != nil && a.match(c.s) {
			if !a.budget.take(l.now) {
				return
			}
			c.abort()
		}
		a.next++
	}
}

// abort tells the session to end. It may decide to go on.
func (c *conn) abort() {
	end := c.s.Traffic.End
	if c.doing() == stream.Relay {
		c.s.Traffic.End = relay.Aborted
	}
	step := c.s.Advance(stream.Event{Kind: stream.Aborted})
	if step.Do == stream.Keep {
		c.s.Traffic.End = end
	}
	c.do(step)
}
