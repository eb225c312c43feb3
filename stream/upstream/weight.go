package upstream

import (
	"errors"
	"math"
)

// The largest sums of weights. A larger ring would take many gigabytes; nginx exits when it gets no
// memory, at a weight that depends on the machine. The jump consistent hash numbers its buckets in
// 32 bits.
const (
	maxRing    = 1_000_000
	maxBuckets = math.MaxInt32
)

var (
	errRing    = errors.New("too much weight for consistent hash")
	errBuckets = errors.New("too much weight for jump hash")
)

// CheckWeight reports whether a group of that method can have servers with a total weight of sum.
// The error is the message for the operator.
func CheckWeight(m Method, sum int64) error {
	switch m.(type) {
	case consistentHash:
		if sum > maxRing {
			return errRing
		}
	case jumpHash:
		if sum > maxBuckets {
			return errBuckets
		}
	}
	return nil
}
