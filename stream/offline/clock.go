package offline

import (
	"sync"
	"testing"
	"time"
	"unsafe"
)

// A Clock is moved manually. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows a whole second, in UTC.
func NewClock() *Clock { return &Clock{now: time.Unix(1_000_000_000, 0).UTC()} }

// Now returns the time of the clock. It is the Now of an Env.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock by d.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// SetBack changes the wall clock back by whole seconds, or forward if negative, as an operator
// would. The monotonic clock does not change.
func (c *Clock) SetBack(t testing.TB, seconds int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = SetBack(t, c.now, seconds)
}

// NewRunningClock returns a clock that shows the current time and has a monotonic reading, as the
// system's.
func NewRunningClock() *Clock { return &Clock{now: time.Now()} }

// SetBack returns now, which must have a monotonic reading, with another wall clock. Package time
// cannot create such a time, but its layout has been the same since Go 1.9: 33 bits of the first
// word are seconds.
func SetBack(t testing.TB, now time.Time, seconds int) time.Time {
	t.Helper()
	const secondsShift = 30
	set := now
	*(*uint64)(unsafe.Pointer(&set)) -= uint64(seconds) << secondsShift
	if now.Unix()-set.Unix() != int64(seconds) || set.Sub(now) != 0 {
		t.Skip("package time has another layout than expected")
	}
	return set
}
