package stream

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxReserve is how many descriptors sessions leave to the rest of the process, which needs
	// them to read a configuration, open its logs and resolve names, even under a very high number
	// of clients. With a low limit the reserve is an eighth of the limit.
	maxReserve = 64
	// surveyEvery is the shortest interval between counts of the open descriptors while they are
	// short.
	surveyEvery = 500 * time.Millisecond
)

// Descriptors keeps the sessions of all drivers of a process within its descriptor limit. From its
// start, a session counts with every descriptor that it will need, so that every accepted session
// can be served. A nil Descriptors sets no limit. It is safe for concurrent use.
type Descriptors struct {
	survey func() (limit, used int)
	limit  atomic.Int64 // of the process
	usable atomic.Int64 // the limit without the reserve
	others atomic.Int64 // open, but not used by sessions

	mu       sync.Mutex
	counts   atomic.Pointer[[]*DescriptorCount] // replaced under mu
	surveyed time.Time                          // start of the last survey
}

// A DescriptorCount returns how many descriptors the sessions of one loop have open, and how many
// they need, which is at least as many. It is safe for concurrent use and does not block.
type DescriptorCount func() (open, needed int)

// NewDescriptors returns a Descriptors after a first survey. survey returns the limit of the
// process, and how many descriptors it has open; it is safe for concurrent use.
func NewDescriptors(survey func() (limit, used int)) *Descriptors {
	d := &Descriptors{survey: survey}
	d.counts.Store(&[]*DescriptorCount{})
	d.Survey()
	return d
}

// Join adds the sessions of a loop until leave is called.
func (d *Descriptors) Join(c DescriptorCount) (leave func()) {
	if d == nil {
		return func() {}
	}
	member := &c
	d.change(func(members []*DescriptorCount) []*DescriptorCount { return append(members, member) })
	return func() {
		d.change(func(members []*DescriptorCount) []*DescriptorCount {
			return slices.DeleteFunc(members, func(m *DescriptorCount) bool { return m == member })
		})
	}
}

// change replaces the counts by f's result; f gets a copy of them.
func (d *Descriptors) change(f func([]*DescriptorCount) []*DescriptorCount) {
	d.mu.Lock()
	defer d.mu.Unlock()
	counts := f(slices.Clone(*d.counts.Load()))
	d.counts.Store(&counts)
}

// sum returns the total of the counts of all loops.
func (d *Descriptors) sum() (open, needed int) {
	for _, count := range *d.counts.Load() {
		o, n := (*count)()
		open, needed = open+o, needed+n
	}
	return open, needed
}

// Usage returns the number of open descriptors, of which those that no session uses are as of the last
// survey, and the limit of the process. Without a limit it is math.MaxInt64.
func (d *Descriptors) Usage() (open, limit int64) {
	sessions, _ := d.sum()
	return int64(sessions) + d.others.Load(), d.limit.Load()
}

// Survey records the limit of the process and the number of open descriptors. Call it after the
// limit may have changed.
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

// unlimited is the usable number if the kernel sets no relevant limit: descriptors are 31-bit
// numbers.
const unlimited = math.MaxInt64

// usableOf returns limit without the reserve.
func usableOf(limit int) int64 {
	if limit >= math.MaxInt32 {
		return unlimited
	}
	return int64(limit - min(maxReserve, limit/8))
}

// surveySoon runs a survey in another goroutine, unless one is recent or running.
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

// Reserved reports whether fd is in the reserve. The kernel allocates the lowest free number, so
// such an fd means that other parts of the process use more descriptors than the last survey found.
func (d *Descriptors) Reserved(fd int) bool {
	if d == nil || int64(fd) < d.usable.Load() {
		return false
	}
	d.surveySoon()
	return true
}

// Limits returns the number of descriptors usable outside the reserve, and the limit of the
// process.
func (d *Descriptors) Limits() (usable, limit int) {
	if d == nil {
		return math.MaxInt, math.MaxInt
	}
	return int(min(d.usable.Load(), math.MaxInt)), int(d.limit.Load())
}
