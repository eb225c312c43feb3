package status

import "sync/atomic"

// A LimitConn counts the decisions of one zone of limit_conn.
type LimitConn struct {
	Name     string
	counters *limitCounters
}

type limitCounters struct {
	passed, rejected, rejectedDryRun atomic.Int64
}

// NewLimitConn returns a zone with its counters at zero.
func NewLimitConn(name string) *LimitConn { return &LimitConn{name, &limitCounters{}} }

// Follow makes c share the counters of old, its predecessor in the previous configuration, before c
// is in use.
func (c *LimitConn) Follow(old *LimitConn) { c.counters = old.counters }

// Passed counts an admitted session.
func (c *LimitConn) Passed() { c.counters.passed.Add(1) }

// Rejected counts a refused session; in a dry run, one that would be refused.
func (c *LimitConn) Rejected(dryRun bool) {
	if dryRun {
		c.counters.rejectedDryRun.Add(1)
		return
	}
	c.counters.rejected.Add(1)
}

// A LimitConnSnapshot is a LimitConn at one time.
type LimitConnSnapshot struct{ Passed, Rejected, RejectedDryRun int64 }

// Snapshot returns the current numbers.
func (c *LimitConn) Snapshot() LimitConnSnapshot {
	n := c.counters
	return LimitConnSnapshot{Passed: n.passed.Load(), Rejected: n.rejected.Load(), RejectedDryRun: n.rejectedDryRun.Load()}
}

// Reset sets the counters to 0.
func (c *LimitConn) Reset() {
	c.counters.passed.Store(0)
	c.counters.rejected.Store(0)
	c.counters.rejectedDryRun.Store(0)
}
