package relay

import (
	"math/bits"
	"runtime"
	"sync/atomic"
)

// Counters count the bytes that all sessions of one kind exchange with one side: those of a server
// zone with its clients, or those of a peer with its server. They grow while the sessions live.
//
// Any goroutine may use them. Each loop adds to a shard of its own, so that loops do not share a
// cache line. A nil *Counters counts nothing.
type Counters struct {
	shards []counterShard
}

type counterShard struct {
	received, sent atomic.Int64
	_              [112]byte // processors prefetch pairs of cache lines
}

// NewCounters returns Counters at zero, with a shard for each processor.
func NewCounters() *Counters {
	return &Counters{shards: make([]counterShard, 1<<bits.Len(uint(min(runtime.GOMAXPROCS(0), 256)-1)))}
}

// shard returns the shard of the loop with that number.
func (c *Counters) shard(loop uint8) *counterShard { return &c.shards[int(loop)&(len(c.shards)-1)] }

// Received counts n bytes that the loop has read.
func (c *Counters) Received(loop uint8, n int) {
	if c != nil {
		c.shard(loop).received.Add(int64(n))
	}
}

// Sent counts n bytes that the loop has written.
func (c *Counters) Sent(loop uint8, n int) {
	if c != nil {
		c.shard(loop).sent.Add(int64(n))
	}
}

// Totals returns the sums over all loops.
func (c *Counters) Totals() (received, sent int64) {
	if c == nil {
		return 0, 0
	}
	for i := range c.shards {
		received += c.shards[i].received.Load()
		sent += c.shards[i].sent.Load()
	}
	return received, sent
}

// Reset sets all counters to 0. Bytes that are counted meanwhile count before or after the reset.
func (c *Counters) Reset() {
	if c == nil {
		return
	}
	for i := range c.shards {
		c.shards[i].received.Store(0)
		c.shards[i].sent.Store(0)
	}
}
