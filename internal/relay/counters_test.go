package relay

import (
	"sync"
	"testing"
	"unsafe"
)

// TestCounters checks that concurrent loops lose no byte, also loops that share a shard.
func TestCounters(t *testing.T) {
	const loops, rounds = 20, 1000
	c := NewCounters()
	var wg sync.WaitGroup
	for loop := range uint8(loops) {
		wg.Go(func() {
			for range rounds {
				c.Received(loop, 3)
				c.Sent(loop, 5)
			}
		})
	}
	wg.Wait()
	if received, sent := c.Totals(); received != 3*loops*rounds || sent != 5*loops*rounds {
		t.Errorf("received %d, sent %d, want %d and %d", received, sent, 3*loops*rounds, 5*loops*rounds)
	}
	c.Reset()
	if received, sent := c.Totals(); received != 0 || sent != 0 {
		t.Errorf("received %d, sent %d after a reset", received, sent)
	}
}

func TestNilCounters(t *testing.T) {
	var c *Counters
	c.Received(1, 1)
	c.Sent(1, 1)
	c.Reset()
	if received, sent := c.Totals(); received != 0 || sent != 0 {
		t.Errorf("received %d, sent %d", received, sent)
	}
}

// TestCounterShardFillsCacheLines checks that two loops never write the same pair of cache lines.
func TestCounterShardFillsCacheLines(t *testing.T) {
	if got := unsafe.Sizeof(counterShard{}); got != 128 {
		t.Errorf("a shard takes %d bytes, want 128", got)
	}
}
