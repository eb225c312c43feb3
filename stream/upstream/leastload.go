package upstream

import "math/bits"

// A leastLoad finds the peer with the least load for its weight: the first one on ties, and whether
// there are ties.
type leastLoad struct {
	best   int // its position, or none
	equals bool
	load   uint64
	weight uint64
}

func newContest() leastLoad { return leastLoad{best: none} }

func (c *leastLoad) enter(i int, load, weight uint64) {
	if c.best != none {
		order := c.compare(load, weight)
		c.equals = c.equals || order == 0
		if order >= 0 {
			return
		}
	}
	*c = leastLoad{best: i, load: load, weight: weight}
}

// compare compares a peer with the best one, without dividing: negative if it has less load for its
// weight.
func (c *leastLoad) compare(load, weight uint64) int {
	high, low := bits.Mul64(load, c.weight)
	bestHigh, bestLow := bits.Mul64(c.load, weight)
	low, borrow := bits.Sub64(low, bestLow, 0)
	high, borrow = bits.Sub64(high, bestHigh, borrow)
	if high|low == 0 {
		return 0
	}
	return 1 - 2*int(borrow)
}

// presentWeight returns the current weight of c in hundredths, at least 1, so that loads can be
// compared.
func (c *candidate) presentWeight(now int64) uint64 {
	if c.state.weakened {
		return uint64(c.weight) * uint64(max(c.share(now), 1))
	}
	return uint64(c.weight) * whole
}
