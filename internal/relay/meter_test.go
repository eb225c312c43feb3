package relay

import (
	"math"
	"testing"
	"time"
)

// at returns the wall-clock time ms milliseconds after the start of all relays in these tests: the
// middle of a second, because nginx counts changes of whole seconds.
func at(ms int64) time.Time {
	return time.UnixMilli(1_700_000_000_500 + ms)
}

func TestMeterRead(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rate  int64
		after int64 // milliseconds since the start
		done  int64
		free  int
		want  int
		pause time.Duration
	}{
		{"no limit", 0, 0, 1 << 40, 16384, 16384, 0},
		{"first second's share is there at once", 1000, 0, 0, 16384, 1000, 0},
		{"buffer smaller than the share", 1000, 0, 0, 100, 100, 0},
		{"rest of the share", 1000, 400, 990, 16384, 10, 0},
		{"share used up to the byte", 1000, 499, 1000, 16384, 0, time.Millisecond},
		{"second turned after half a second", 1000, 500, 1000, 16384, 1000, 0},
		{"excess takes its time at the rate", 1000, 0, 3500, 16384, 0, 2501 * time.Millisecond},
		{"excess below a millisecond", 1 << 20, 0, 1<<20 + 1, 16384, 0, time.Millisecond},
		{"full buffer is no reason to pause", 1000, 0, 5000, 0, 0, 0},
		{"later seconds add up", 1000, 9500, 9000, 16384, 2000, 0},
		{"clock set back", 1000, -3600_000, 500, 16384, 500, 0},
		{"rate beyond all arithmetic", math.MaxInt64, 5000, 1 << 50, 16384, 16384, 0},
		{"slowest rate and a huge excess", 1, 0, math.MaxInt64, 16384, 0, longestPause + time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, pause := NewMeter(tt.rate, at(0)).Read(at(tt.after), tt.done, tt.free)
			if n != tt.want || pause != tt.pause {
				t.Errorf("got %d bytes, pause %v; want %d, %v", n, pause, tt.want, tt.pause)
			}
		})
	}
}

func TestMeterAfter(t *testing.T) {
	for _, tt := range []struct {
		name string
		rate int64
		n    int
		want time.Duration
	}{
		{"no limit", 0, 16384, 0},
		{"end of stream", 1000, 0, 0},
		{"whole second", 1000, 1000, time.Second},
		{"rounded down", 3000, 1000, 333 * time.Millisecond},
		{"below a millisecond", 1 << 20, 1000, 0},
		{"slowest rate", 1, 16384, 16384 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := NewMeter(tt.rate, at(0)).After(tt.n); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestMeterAllowedOfDatagrams(t *testing.T) {
	m := NewMeter(100, at(0))
	if got := m.Allowed(at(0), 1500); got != -1400 {
		t.Errorf("got %d, want -1400", got)
	}
	if got, want := m.Debt(-1400), 14001*time.Millisecond; got != want {
		t.Errorf("pause is %v, want %v", got, want)
	}
	if got, want := (Meter{Rate: math.MaxInt64}).Debt(math.MinInt64), 1001*time.Millisecond; got != want {
		t.Errorf("pause for the largest excess is %v, want %v", got, want)
	}
}

// A sender that is always ready reaches its rate: each pause loses at most its extra millisecond.
func TestMeterHoldsTheRate(t *testing.T) {
	const rate, seconds = 10_000, 20
	m := NewMeter(rate, at(0))
	var done, ms int64
	for ms < seconds*1000 {
		n, pause := m.Read(at(ms), done, 4096)
		done += int64(n)
		ms += max(int64((pause+m.After(n))/time.Millisecond), 1)
	}
	if done > rate*(seconds+1) || done < rate*(seconds-1) {
		t.Errorf("carried %d bytes in %d s at %d bytes a second", done, seconds, rate)
	}
}

func TestMeterDoesNotAllocate(t *testing.T) {
	m := NewMeter(1000, at(0))
	now := at(1234)
	if got := testing.AllocsPerRun(100, func() {
		m.Read(now, 500, 16384)
		m.Read(now, 50000, 16384)
		m.After(16384)
	}); got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}
