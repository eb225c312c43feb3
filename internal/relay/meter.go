package relay

import (
	"math"
	"math/bits"
	"time"
)

// A Meter is the rate limit of one direction, computed as in ngx_stream_proxy_process. It has no
// counters: the caller has them already. The zero Meter does not limit. It is a value, and safe for
// concurrent use.
//
// As in nginx whole seconds count. At second s after Start, a direction may have relayed rate × (s
// + 1) bytes, so the share of the first second is available at once. Setting the system clock has
// no effect, whereas nginx pauses for as long as the clock is set back.
type Meter struct {
	Rate  int64 // bytes per second; 0 or less disables the limit
	Start int64 // second of Monotonic when proxying began
}

// NewMeter returns a limit of rate bytes per second for a relay that begins at start.
func NewMeter(rate int64, start time.Time) Meter {
	return Meter{Rate: rate, Start: second(start)}
}

func second(t time.Time) int64 { return Monotonic(t) / int64(time.Second) }

// Allowed returns how many bytes may be read now if done bytes have been read since Start. It is
// negative if more was read than allowed, as happens with datagrams, which are never split. Without
// a limit it is math.MaxInt64.
func (m Meter) Allowed(now time.Time, done int64) int64 {
	if m.Rate <= 0 {
		return math.MaxInt64
	}
	seconds := max(second(now)-m.Start, 0) + 1
	if m.Rate > math.MaxInt64/seconds {
		return math.MaxInt64
	}
	return m.Rate*seconds - done
}

// Read returns how many bytes of a stream to read now into a buffer with free bytes. If no byte may
// be read, it returns 0 and the time to pause; while one direction pauses, proxy_timeout is not
// counted. If free is 0 it returns 0 and no pause: the buffer must be written first.
func (m Meter) Read(now time.Time, done int64, free int) (int, time.Duration) {
	if free == 0 {
		return 0, 0
	}
	allowed := m.Allowed(now, done)
	if allowed <= 0 {
		return 0, m.Debt(allowed)
	}
	return int(min(int64(free), allowed)), 0
}

// Debt returns the time to pause if Allowed is not positive: the time that the excess takes at the
// rate, in whole milliseconds, plus one.
func (m Meter) Debt(allowed int64) time.Duration {
	return milliseconds(excess(allowed), m.Rate) + time.Millisecond
}

// After returns the time to pause after reading n bytes: the time that they take at the rate, in
// whole milliseconds; 0 if it is less than one.
func (m Meter) After(n int) time.Duration {
	if m.Rate <= 0 || n <= 0 {
		return 0
	}
	return milliseconds(uint64(n), m.Rate)
}

// longestPause limits a pause, so that no rate overflows a Duration. nginx's timers are limited to
// 2³¹ milliseconds.
const longestPause = math.MaxInt32 * time.Millisecond

// milliseconds returns the time n bytes take at rate, rounded down.
func milliseconds(n uint64, rate int64) time.Duration {
	hi, lo := bits.Mul64(n, 1000)
	if hi >= uint64(rate) {
		return longestPause
	}
	ms, _ := bits.Div64(hi, lo, uint64(rate))
	return time.Duration(min(ms, math.MaxInt32)) * time.Millisecond
}

// excess returns -allowed, also for math.MinInt64.
func excess(allowed int64) uint64 {
	if allowed > 0 {
		return 0
	}
	return -uint64(allowed)
}
