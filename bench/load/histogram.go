//go:build linux

package load

import (
	"math"
	"math/bits"
	"time"
)

// subBuckets is the number of buckets per power of two: durations have a resolution of about 3 %.
const subBuckets = 32

// A Histogram counts durations. The zero value is empty and ready; it is not safe for concurrent use.
type Histogram struct {
	counts [64 * subBuckets]int64
	n      int64
	max    time.Duration
}

// Add counts one duration; a negative one counts as zero.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	h.n++
	h.max = max(h.max, d)
	shift := max(bits.Len64(uint64(d))-6, 0)
	h.counts[shift*subBuckets+int(d>>shift)]++
}

// Merge adds the counts of other.
func (h *Histogram) Merge(other *Histogram) {
	h.n += other.n
	h.max = max(h.max, other.max)
	for i, n := range other.counts {
		h.counts[i] += n
	}
}

// Count returns how many durations were added.
func (h *Histogram) Count() int64 { return h.n }

// Percentile returns the duration that p percent of those added do not exceed, to about 3 %. It
// returns zero for an empty Histogram.
func (h *Histogram) Percentile(p float64) time.Duration {
	want := int64(math.Ceil(p / 100 * float64(h.n)))
	for i, n := range h.counts {
		if want -= n; want <= 0 && n > 0 {
			return min(floorOf(i), h.max)
		}
	}
	return h.max
}

// floorOf returns the smallest duration that falls into bucket i.
func floorOf(i int) time.Duration {
	shift := max(i/subBuckets-1, 0)
	return time.Duration((i - shift*subBuckets) << shift)
}
