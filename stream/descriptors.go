package stream

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxReserve is how many descriptors sessions leave to the rest of the process, which needs them to read a configuration, open its logs
	// and ask for names, also while there are very many clients. Of a low limit it is an eighth.
	maxReserve = 64
	// surveyEvery is how often descriptors are counted while they are short.
	surveyEvery = 500 * time.Millisecond
)

// Descriptors keeps the sessions of all drivers of a process within its limit of descriptors. A session counts with every descriptor that it
// will need, from its beginning: what is accepted can be served. A nil Descriptors sets no limit. It is safe for concurrent use.
type Descriptors struct {
	survey func() (limit, used int)
	limit  atomic.Int64 // of the process
	usable atomic.Int64 // of these, by all but the reserve
	others atomic.Int64 // not of sessions

	mu       sync.Mutex
	counts   atomic.Pointer[[]DescriptorCount] // replaced under mu
	surveyed time.Time                         // the last survey's beginning
}

// A DescriptorCount returns how many descriptors the sessions of one loop have open, and how many they need, which is as many or more. It
// is safe for concurrent use, and does not block.
type DescriptorCount func() (open, needed int)

// NewDescriptors returns a Descriptors with the first survey done. survey returns the limit of the process, and how many descriptors it has
// open; it is safe for concurrent use.
func NewDescriptors(survey func() (limit, used int)) *Descriptors {
	d := &Descriptors{survey: survey}
	d.counts.Store(&[]DescriptorCount{})
	d.Survey()
	return d
}

// Join adds the sessions of a loop, for good.
func (d *Descriptors) Join(c DescriptorCount) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	counts := append(slices.Clone(*d.counts.Load()), c)
	d.counts.Store(&counts)
}

// sum adds up the counts of all loops.
func (d *Descriptors) sum() (open, needed int) {
	for _, count := range *d.counts.Load() {
		o, n := count()
		open, needed = open+o, needed+n
	}
	return open, needed
}

// Survey takes note of the limit of the process, and of the descriptors that are open. It is to be called when the limit may have changed.
func (d *Descriptors) Survey() {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.surveyed = time.Now()
	open, _ := d.sum()
	limit, used := d.survey()
	d.limit.Store(int64(limit))
	d.usable.Store(usableOf(limit))
	d.others.Store(int64(max(used-open, 0)))
}

// unlimited is how many descriptors may be used where the kernel sets no limit that matters: descriptors are numbers of 31 bits.
const unlimited = math.MaxInt64

// usableOf returns how many of limit descriptors may be used by all but the reserve.
func usableOf(limit int) int64 {
	if limit >= math.MaxInt32 {
		return unlimited
	}
	return int64(limit - min(maxReserve, limit/8))
}

// surveySoon has descriptors counted by another goroutine, unless that was done a moment ago or is being done.
func (d *Descriptors) surveySoon() {
	if !d.mu.TryLock() {
		return
	}
	due := time.Since(d.surveyed) >= surveyEvery
	if due {
		d.surveyed = time.Now()
	}
	d.mu.Unlock()
	if due {
		go d.Survey()
	}
}

// Room reports whether a new session that needs n descriptors would leave the reserve untouched.
func (d *Descriptors) Room(n int) bool {
	if d == nil {
		return true
	}
	usable := d.usable.Load()
	if usable == unlimited {
		return true
	}
	_, needed := d.sum()
	if d.others.Load()+int64(needed+n) <= usable {
		return true
	}
	d.surveySoon()
	return false
}

// Reserved reports whether fd is in the reserve: the kernel gives out the lowest free number, so that other parts of the process use more
// descriptors than the last survey has found.
func (d *Descriptors) Reserved(fd int) bool {
	if d == nil || int64(fd) < d.usable.Load() {
		return false
	}
	d.surveySoon()
	return true
}

// Limits returns how many descriptors may be used by all but the reserve, and the limit of the process.
func (d *Descriptors) Limits() (usable, limit int) {
	if d == nil {
		return math.MaxInt, math.MaxInt
	}
	return int(min(d.usable.Load(), math.MaxInt)), int(d.limit.Load())
}
