package epoll

import (
	"math"
	"math/bits"
	"time"

	"weir/stream/driver/internal/poll"
)

// soon is how long the loop waits without the Go scheduler when it expects events. Such a wait is the
// cheapest if events arrive during it, and costs a wake-up if none do. It is less than the 10 ms
// after which the scheduler interrupts a thread.
const soon = time.Millisecond

// longest is the longest wait without the Go scheduler in a busy loop, where a park is rare and
// would cost the next event the time until the runtime polls.
const longest = 5 * soon

// unpolled is how long the runtime's poller may be without a thread: events of another loop that is parked
// wait so long. A shorter time would wake a thread for nearly every response.
const unpolled = soon / 4

// busyWaits is how many of the last 16 waits have brought events within their limit in a busy loop.
const busyWaits = 14

// forecast predicts whether events will arrive soon: in a busy loop always, otherwise from the last
// two waits, because after a pause a request is followed by its response. The zero forecast predicts
// none.
type forecast struct {
	past  uint8    // of the last two waits, one bit each: events arrived soon
	score [4]uint8 // by past: from 0, not soon, to 3, soon
	waits uint16   // of the last 16 waits, one bit each: events arrived within the limit
}

// limit returns how long to wait without the scheduler if events are expected.
func (f *forecast) limit() time.Duration {
	if f.busy() {
		return longest
	}
	return soon
}

func (f *forecast) soon() bool { return f.busy() || f.score[f.past] >= 2 }

// busy reports whether nearly all of the last waits have ended soon.
func (f *forecast) busy() bool { return bits.OnesCount16(f.waits) >= busyWaits }

// learn records how a wait ended. Events that arrive within the longer limit of a busy loop count as
// soon, so that a loop stays busy until several waits bring none.
func (f *forecast) learn(soon bool) {
	score := &f.score[f.past]
	f.past = f.past << 1 & 3
	f.waits <<= 1
	if soon {
		f.waits |= 1
		*score = min(*score+1, 3)
		f.past |= 1
		return
	}
	*score = max(*score, 1) - 1
}

// wait returns the number of events, 0 when something else is due.
func (l *loop) wait() int {
	if l.unfinished() {
		return l.set.Poll(0)
	}
	if l.forecast.soon() {
		l.keepPolled()
		most := l.forecast.limit()
		limit := l.untilPauseEnds(most)
		n := l.set.Poll(poll.CeilMillis(limit))
		if n > 0 {
			l.forecast.learn(true)
			return n
		}
		if limit < most {
			return 0
		}
		l.forecast.learn(false)
		return l.sleep()
	}
	n := l.sleep()
	if n > 0 {
		l.forecast.learn(time.Since(l.now) < soon)
	}
	return n
}

// keepPolled makes another thread wait in the runtime's poller. A loop that returns from a park has
// taken the thread that waited there, and does not give it back while it waits without the
// scheduler, so it calls this before each such wait. The poller may be without a thread for a
// moment: usually the loop parks again after one response.
func (l *loop) keepPolled() {
	switch {
	case l.awakeSince == parked:
		l.awakeSince = l.stamp
	case l.awakeSince != polled && l.stamp-l.awakeSince > int64(unpolled):
		l.awakeSince = polled
		go func() {}() // wakes a thread for it, which then has nothing else to do
	}
}

// Values of awakeSince other than a time.
const (
	parked = -1 // the loop was in the scheduler
	polled = -2 // another thread is in the poller
)

// unfinished reports whether the loop has more to do at once.
func (l *loop) unfinished() bool {
	return len(l.ready) > 0 || l.arrears.Any() || l.aborts.Ready(l.now)
}

// sleep waits in the scheduler.
func (l *loop) sleep() int {
	l.awakeSince = parked
	l.setNow(time.Now())
	limit := l.untilDue()
	if limit == 0 {
		return 0
	}
	if l.parking != nil {
		return l.parking.park(limit)
	}
	return l.set.Wait(poll.CeilMillis(limit))
}

// forever is how long a wait lasts when nothing is due.
const forever = time.Duration(math.MaxInt64)

// untilDue returns how long it takes until the loop has a timer to run.
func (l *loop) untilDue() time.Duration {
	limit := l.untilPauseEnds(forever)
	if d, ok := l.wheel.Next(l.now); ok {
		limit = min(limit, d)
	}
	if len(l.aborts) > 0 {
		limit = min(limit, poll.AbortTick)
	}
	return limit
}

// untilPauseEnds returns how long it takes until a pause ends, at most limit.
func (l *loop) untilPauseEnds(limit time.Duration) time.Duration {
	if d, ok := l.pauses.Next(l.now); ok {
		return min(d, limit)
	}
	return limit
}
