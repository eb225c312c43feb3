package upstream

import (
	"fmt"
	"math"
)

// The largest sums of weights. A larger ring would take many gigabytes; nginx exits when it gets no
// memory, at a weight that depends on the machine. The jump consistent hash numbers its buckets in
// 32 bits.
const (
	maxRing    = 1_000_000
	maxBuckets = math.MaxInt32
)

// CheckWeight reports whether a group of that method can have servers with a total weight of sum.
// The error is the message for the operator.
func CheckWeight(m Method, sum int64) error {
	switch m.(type) {
	case consistentHash:
		if sum > maxRing {
			return fmt.Errorf("total weight %d exceeds %d for consistent hash", sum, maxRing)
		}
	case jumpHash:
		if sum > maxBuckets {
			return fmt.Errorf("total weight %d exceeds %d for jump hash", sum, maxBuckets)
		}
	}
	return nil
}
