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

func newLeastLoad() leastLoad { return leastLoad{best: none} }

func (l *leastLoad) add(i int, load, weight uint64) {
	if l.best != none {
		order := l.compare(load, weight)
		l.equals = l.equals || order == 0
		if order >= 0 {
			return
		}
	}
	*l = leastLoad{best: i, load: load, weight: weight}
}

// compare compares a peer with the best one, without dividing: negative if it has less load for its
// weight.
func (l *leastLoad) compare(load, weight uint64) int {
	high, low := bits.Mul64(load, l.weight)
	bestHigh, bestLow := bits.Mul64(l.load, weight)
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
	if c.state.reduced {
		return uint64(c.weight) * uint64(max(c.share(now), 1))
	}
	return uint64(c.weight) * fullShare
}
