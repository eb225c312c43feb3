package streamtest

import (
	"sync"
	"time"
)

// A Clock stands still until it is moved by hand. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that stands at a whole second, in UTC.
func NewClock() *Clock { return &Clock{now: time.Unix(1_000_000_000, 0).UTC()} }

// Now is the time that the clock shows. It is the Now of an Env.
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
