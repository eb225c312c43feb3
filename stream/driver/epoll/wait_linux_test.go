package epoll

import (
	"slices"
	"testing"
	"time"

	"weir/stream/offline"
)

// forecasts returns the forecast before each of several waits.
func forecasts(waits ...bool) []bool {
	var f forecast
	said := make([]bool, len(waits))
	for i, soon := range waits {
		said[i] = f.soon()
		f.learn(soon)
	}
	return said
}

// TestForecastOfABusyLoop checks that a busy loop waits longer, and stays busy for two waits without events.
func TestForecastOfABusyLoop(t *testing.T) {
	var f forecast
	for range 16 {
		f.learn(true)
	}
	for misses := 0; misses <= 16-busyWaits; misses++ {
		if !f.soon() || f.limit() != longest {
			t.Errorf("after %d waits without events: soon %v, limit %v", misses, f.soon(), f.limit())
		}
		f.learn(false)
	}
	if f.limit() != soon {
		t.Errorf("the limit of a loop that is not busy is %v", f.limit())
	}
}

func TestForecastFollowsARhythm(t *testing.T) {
	for name, rhythm := range map[string][]bool{
		"busy": {true}, "idle": {false}, "requests and responses": {false, true}, "bursts": {false, false, true},
	} {
		var waits []bool
		for range 12 {
			waits = append(waits, rhythm...)
		}
		said := forecasts(waits...)
		if from := len(waits) / 2; !slices.Equal(said[from:], waits[from:]) {
			t.Errorf("%s: foresees %v, want %v", name, said[from:], waits[from:])
		}
	}
}

func TestParkingEndsWithAnEventAndInTime(t *testing.T) {
	env, _ := offline.NewEnv(time.Now)
	l, err := newLoop(env)
	if err != nil {
		t.Fatal(err)
	}
	defer l.end()
	if l.parking == nil {
		t.Fatal("no parking")
	}
	for range 3 {
		l.setNow(time.Now())
		if n := l.parking.park(time.Millisecond); n != 0 {
			t.Fatalf("%d events in an idle loop", n)
		}
		go l.mail.Post(func() {})
		if n := l.parking.park(forever); n != 1 {
			t.Fatalf("%d events, want that of the mailbox", n)
		}
		if allocs := testing.AllocsPerRun(10, func() { l.parking.park(forever) }); allocs != 0 {
			t.Errorf("a wait allocates %v times", allocs)
		}
		l.mail.Receive()
	}
}
