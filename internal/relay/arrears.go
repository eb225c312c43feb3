package relay

import "time"

// lateBy is the longest gap after which timers still need not wait for events. It is longer than a
// busy loop takes for a batch of events.
const lateBy = 100 * time.Millisecond

// Arrears keep timers from firing before earlier events are handled. A loop that did not run for a
// while, because its process was stopped or its machine was migrated, finds expired timers together
// with the events that would have postponed them, possibly many batches.
//
// A loop reports each wait to its Arrears. Timers are delayed by at most the number of batches that
// can contain all pending events. The zero Arrears delay no timers.
type Arrears struct {
	now  time.Duration // the end of the last wait
	left int           // the maximum number of batches to read first
}

// Woke records that a wait ended at now, by a monotonic clock. more reports that further events may
// be pending; most is the maximum number of batches that can be pending.
func (a *Arrears) Woke(now time.Duration, more bool, most int) {
	more = more || now-a.now > lateBy // even a wait without events may have ended just before the gap
	a.now = now
	switch {
	case !more:
		a.left = 0
	case a.left > 0:
		a.left--
	default:
		a.left = most
	}
}

// Any reports whether timers must wait for events. The loop then polls for events without waiting.
func (a *Arrears) Any() bool { return a.left > 0 }
