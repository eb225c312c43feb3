package udp

import (
	"sync/atomic"
	"time"

	"weir/internal/relay"
	"weir/stream"
)

const (
	// abortSlice is how many sessions a loop checks before it serves other work.
	abortSlice = 256
	// abortTick is the interval in milliseconds at which a paced abort continues.
	abortTick = 10
)

// budget limits how many sessions of all loops together may end so far.
type budget struct {
	start time.Time
	rate  int64 // per second; 0 disables the limit
	spent atomic.Int64
}

func newBudget(p stream.Pace) *budget { return &budget{start: time.Now(), rate: int64(p.PerSecond)} }

// take reports whether one more session may end now.
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

// abort is an abort in progress in one loop. Connections from index next on are not checked yet.
type abort struct {
	match  func(*stream.Session) bool
	budget *budget
	next   int
	end    int
}

// ready reports whether the abort can continue at once.
func (a *abort) ready(now time.Time) bool {
	return a.budget.rate <= 0 || a.budget.spent.Load() < a.budget.allowed(now)
}

func (l *loop) startAbort(match func(*stream.Session) bool, b *budget) {
	l.aborts = append(l.aborts, &abort{match: match, budget: b, end: len(l.conns)})
}

// continueAborts checks a slice of the sessions for the oldest abort in progress.
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

// abort sends an abort to the session. The session may decide to continue.
func (c *conn) abort() {
	end := c.s.Traffic.End
	if c.relaying() {
		c.s.Traffic.End = relay.Aborted
	}
	step := c.s.Advance(stream.Event{Kind: stream.Aborted, Packets: &c.packets})
	if step.Do == stream.Keep {
		c.s.Traffic.End = end
	}
	c.do(step)
}
