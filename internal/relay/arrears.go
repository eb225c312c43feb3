package relay

import "time"

// lateBy is how long a loop that was not run may have been away without timers having to wait for events. It is longer than a busy loop
// takes for a batch of events.
const lateBy = 100 * time.Millisecond

// Arrears keep timers from firing before the events that came earlier. A loop that was not run for a while, since its process was stopped or
// its machine was moved, finds expired timers together with the events that would have put them off, and these may be many batches.
//
// A loop tells its Arrears of each wait. Timers fire late by at most as many batches as hold all that can have come. The zero Arrears are
// none.
type Arrears struct {
	now  time.Duration // of the last wait's end
	left int           // batches that are to be read first, at most
}

// Woke takes note of a wait that has ended at now, by a monotonic clock. more says that there may be more events at once; most is how many
// batches hold all that can be there.
func (a *Arrears) Woke(now time.Duration, more bool, most int) {
	more = more || now-a.now > lateBy // even a wait without events may have ended just before the time that was lost
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

// Any reports whether timers have to wait for events. Then the loop looks for events at once.
func (a *Arrears) Any() bool { return a.left > 0 }
