// Package status counts the sessions, bytes and handshakes that the API and the metrics show. It is
// a leaf: sessions and drivers count, and readers take snapshots at any time.
//
// Each loop adds to a shard of its own, so that loops do not share cache lines. The sums of a
// snapshot are therefore exact once nothing is under way, and otherwise each counter is as of its
// own moment.
package status

import (
	"math"
	"math/bits"
	"runtime"
	"sync/atomic"
)

// shardsOf returns shards for all processors, a power of two.
func shardsOf[S any]() []S {
	return make([]S, 1<<bits.Len(uint(min(runtime.GOMAXPROCS(0), 256)-1)))
}

// shardOf returns the shard of the loop with that number. Any number is correct.
func shardOf[S any](shards []S, loop uint8) *S { return &shards[int(loop)&(len(shards)-1)] }

// Process contains the counters of the process as a whole.
type Process struct {
	TLS         TLS // all handshakes, with clients and with servers
	Connections Connections
}

// NewProcess returns counters at zero. The number of loops may change, so that there is a shard for each of their
// numbers.
func NewProcess() *Process {
	return &Process{Connections: Connections{shards: make([]connectionShard, math.MaxUint8+1)}}
}

// Connections counts the connections of clients; sessions of datagrams are connections too.
type Connections struct{ shards []connectionShard }

type connectionShard struct {
	active            atomic.Int64
	accepted, dropped atomic.Int64
	_                 [104]byte
}

// Begin counts an accepted connection, until End.
func (c *Connections) Begin(loop uint8) {
	s := shardOf(c.shards, loop)
	s.accepted.Add(1)
	s.active.Add(1)
}

// End ends a connection, by the loop of its Begin.
func (c *Connections) End(loop uint8) { shardOf(c.shards, loop).active.Add(-1) }

// Drop counts a connection that was accepted and closed at once, for lack of room.
func (c *Connections) Drop(loop uint8) {
	s := shardOf(c.shards, loop)
	s.accepted.Add(1)
	s.dropped.Add(1)
}

// A ConnectionsSnapshot is Connections at one time.
type ConnectionsSnapshot struct{ Accepted, Dropped, Active int64 }

// Snapshot returns the sums over all loops.
func (c *Connections) Snapshot() (sum ConnectionsSnapshot) {
	for loop := range c.shards {
		sum.add(c.shards[loop].snapshot())
	}
	return sum
}

// SnapshotOf returns the numbers of one loop.
func (c *Connections) SnapshotOf(loop uint8) ConnectionsSnapshot {
	return shardOf(c.shards, loop).snapshot()
}

func (s *connectionShard) snapshot() ConnectionsSnapshot {
	return ConnectionsSnapshot{Accepted: s.accepted.Load(), Dropped: s.dropped.Load(), Active: s.active.Load()}
}

func (c *ConnectionsSnapshot) add(other ConnectionsSnapshot) {
	c.Accepted += other.Accepted
	c.Dropped += other.Dropped
	c.Active += other.Active
}

// Loops returns a number above those of all loops with open connections.
func (c *Connections) Loops() int {
	for loop := len(c.shards); loop > 0; loop-- {
		if c.shards[loop-1].active.Load() != 0 {
			return loop
		}
	}
	return 0
}

// Reset sets the counters to 0; open connections stay active.
func (c *Connections) Reset() {
	for loop := range c.shards {
		c.ResetOf(uint8(loop))
	}
}

// ResetOf is Reset for one loop.
func (c *Connections) ResetOf(loop uint8) {
	s := shardOf(c.shards, loop)
	s.accepted.Store(0)
	s.dropped.Store(0)
}
