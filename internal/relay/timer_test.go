package relay

import (
	"math/rand/v2"
	"testing"
	"time"
)

var epoch = time.Unix(1_700_000_000, 0)

// fired advances w to the given time after epoch and returns the owners of the fired timers.
func fired(w *Wheel[string], after time.Duration) []string {
	var names []string
	for t := w.Expired(epoch.Add(after)); t != nil; t = w.Expired(epoch.Add(after)) {
		names = append(names, t.Owner)
	}
	return names
}

func wantFired(t *testing.T, w *Wheel[string], after time.Duration, want ...string) {
	t.Helper()
	got := fired(w, after)
	if len(got) != len(want) {
		t.Fatalf("at %v got %q, want %q", after, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("at %v got %q, want %q", after, got, want)
		}
	}
}

func TestWheelFiresOnce(t *testing.T) {
	w := NewWheel[string](epoch, time.Second, 64)
	a := &Timer[string]{Owner: "a"}
	w.Set(a, epoch.Add(2500*time.Millisecond))
	wantFired(t, w, 2499*time.Millisecond)
	wantFired(t, w, 2999*time.Millisecond)
	wantFired(t, w, 3*time.Second, "a")
	wantFired(t, w, time.Hour)
	if a.Filed() || w.Len() != 0 {
		t.Errorf("a fired timer is still filed; %d are", w.Len())
	}
}

func TestWheelActivityOnlyMovesTheDeadline(t *testing.T) {
	w := NewWheel[string](epoch, time.Second, 64)
	a := &Timer[string]{Owner: "a"}
	w.Set(a, epoch.Add(10*time.Second))
	filed := a.filed
	for s := range 9 {
		wantFired(t, w, time.Duration(s)*time.Second)
		w.Set(a, epoch.Add(time.Duration(10+s)*time.Second))
		if a.filed != filed {
			t.Fatalf("after %d s the timer was filed again", s)
		}
	}
	wantFired(t, w, 17*time.Second)
	wantFired(t, w, 18*time.Second, "a")
}

func TestWheelMovesEarlier(t *testing.T) {
	w := NewWheel[string](epoch, time.Second, 64)
	a := &Timer[string]{Owner: "a"}
	w.Set(a, epoch.Add(50*time.Second))
	w.Set(a, epoch.Add(5*time.Second))
	wantFired(t, w, 4*time.Second)
	wantFired(t, w, 5*time.Second, "a")
}

func TestWheelBeyondOneTurn(t *testing.T) {
	w := NewWheel[string](epoch, time.Second, 64)
	a := &Timer[string]{Owner: "a"}
	w.Set(a, epoch.Add(10*time.Minute))
	for s := range 600 {
		wantFired(t, w, time.Duration(s)*time.Second)
	}
	wantFired(t, w, 10*time.Minute, "a")
}

func TestWheelAfterALongSleep(t *testing.T) {
	w := NewWheel[string](epoch, time.Second, 64)
	timers := []Timer[string]{{Owner: "a"}, {Owner: "b"}, {Owner: "c"}}
	w.Set(&timers[0], epoch.Add(time.Second))
	w.Set(&timers[1], epoch.Add(time.Hour-time.Second))
	w.Set(&timers[2], epoch.Add(time.Hour+time.Second))
	if got := fired(w, time.Hour); len(got) != 2 {
		t.Errorf("got %q, want a and b", got)
	}
	wantFired(t, w, time.Hour+time.Second, "c")
}

func TestWheelPastDeadlineFiresWithTheNextTick(t *testing.T) {
	w := NewWheel[string](epoch, time.Second, 64)
	wantFired(t, w, 10*time.Second)
	a := &Timer[string]{Owner: "a"}
	w.Set(a, epoch)
	wantFired(t, w, 10*time.Second)
	wantFired(t, w, 11*time.Second, "a")
}

func TestWheelTheFurthestFuture(t *testing.T) {
	w := NewWheel[string](epoch, time.Second, 64)
	a := &Timer[string]{Owner: "a"}
	w.Set(a, epoch.AddDate(2000, 0, 0))
	if got, _ := w.Next(epoch); got != 60*time.Second {
		t.Errorf("looked at after %v, want once a turn", got)
	}
	wantFired(t, w, 24*time.Hour)
}

// TestWheelLooksAtDistantTimersTogether follows many timers that were set at different times: they
// must not wake their owner often.
func TestWheelLooksAtDistantTimersTogether(t *testing.T) {
	const slots = 1024
	w := NewWheel[string](epoch, time.Second, slots)
	for tick := range slots {
		now := epoch.Add(time.Duration(tick) * time.Second)
		w.Expired(now)
		w.Set(&Timer[string]{}, now.Add(24*time.Hour))
	}
	looks, now := 0, epoch.Add(slots*time.Second)
	for end := now.Add(slots * time.Second); ; looks++ {
		next, _ := w.Next(now)
		if now = now.Add(next); now.After(end) {
			break
		}
		w.Expired(now)
		now = now.Add(time.Second)
	}
	if looks > lookAhead+1 {
		t.Errorf("%d looks in a turn of the wheel, want %d", looks, lookAhead)
	}
}

func TestWheelRemove(t *testing.T) {
	w := NewWheel[string](epoch, time.Second, 64)
	timers := []Timer[string]{{Owner: "a"}, {Owner: "b"}, {Owner: "c"}}
	for i := range timers {
		w.Set(&timers[i], epoch.Add(5*time.Second))
	}
	w.Remove(&timers[1])
	w.Remove(&timers[1])
	w.Remove(new(Timer[string]))
	wantFired(t, w, 5*time.Second, "a", "c")
}

// The receiver of an expired timer may remove other expired timers, and set any timer again.
func TestWheelChangesWhileFiring(t *testing.T) {
	w := NewWheel[string](epoch, time.Second, 64)
	timers := []Timer[string]{{Owner: "a"}, {Owner: "b"}, {Owner: "c"}}
	for i := range timers {
		w.Set(&timers[i], epoch.Add(5*time.Second))
	}
	first := w.Expired(epoch.Add(5 * time.Second))
	w.Remove(&timers[1])
	w.Set(first, epoch.Add(6*time.Second))
	wantFired(t, w, 5*time.Second, "c")
	wantFired(t, w, 6*time.Second, "a")
}

func TestWheelNext(t *testing.T) {
	w := NewWheel[string](epoch, time.Second, 128)
	if _, ok := w.Next(epoch); ok {
		t.Error("an empty wheel wants to be called")
	}
	for _, seconds := range []int64{1, 63, 64, 65, 100, 127} {
		a := &Timer[string]{Owner: "a"}
		w.Set(a, epoch.Add(time.Duration(seconds)*time.Second))
		want := time.Duration(seconds)*time.Second - 300*time.Millisecond
		if got, ok := w.Next(epoch.Add(300 * time.Millisecond)); !ok || got != want {
			t.Errorf("%d s: got %v, %v; want %v", seconds, got, ok, want)
		}
		if got, _ := w.Next(epoch.Add(time.Hour)); got != 0 {
			t.Errorf("%d s: overdue, got %v, want 0", seconds, got)
		}
		w.Remove(a)
	}
}

// A driver that sleeps for as long as Next says misses no timer, at any position in the ring.
func TestWheelDrivenByNext(t *testing.T) {
	w := NewWheel[string](epoch, 100*time.Millisecond, 64)
	a := &Timer[string]{Owner: "a"}
	now := epoch
	for i := range 200 {
		deadline := now.Add(time.Duration(1+i*37%9000) * time.Millisecond)
		w.Set(a, deadline)
		for {
			wait, ok := w.Next(now)
			if !ok {
				t.Fatal("the timer is lost")
			}
			now = now.Add(wait)
			if w.Expired(now) != nil {
				break
			}
		}
		if now.Before(deadline) || now.Sub(deadline) >= 100*time.Millisecond {
			t.Fatalf("step %d: deadline %v, fired %v", i, deadline.Sub(epoch), now.Sub(epoch))
		}
	}
}

// modelTimer is an entry of the reference model, a list with a time for each entry.
type modelTimer struct {
	timer    Timer[int]
	deadline time.Time
	latest   time.Time // it must have fired by then
	filed    bool
}

// set moves the timer in wheel and model.
func (m *modelTimer) set(w *Wheel[int], now, deadline time.Time, tick time.Duration) {
	w.Set(&m.timer, deadline)
	m.deadline, m.filed = deadline, true
	m.latest = deadline
	if m.latest.Before(now) {
		m.latest = now
	}
	m.latest = m.latest.Add(tick)
}

// The wheel is compared with a simple model, with random changes and random steps, some longer than
// a turn: no timer fires early, later than a tick after its deadline, or twice, and none is lost.
func TestWheelAgainstModel(t *testing.T) {
	const tick = 10 * time.Millisecond
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		w := NewWheel[int](epoch, tick, 64)
		model := make([]modelTimer, 50)
		for i := range model {
			model[i].timer.Owner = i
		}
		now := epoch
		for range 3000 {
			m := &model[rnd.IntN(len(model))]
			switch rnd.IntN(8) {
			case 0:
				w.Remove(&m.timer)
				m.filed = false
			case 1:
				m.set(w, now, now.Add(time.Duration(rnd.Int64N(int64(3*time.Second)))-100*time.Millisecond), tick)
			case 2, 3, 4:
				m.set(w, now, now.Add(time.Duration(rnd.Int64N(int64(700*time.Millisecond)))), tick)
			case 5:
				now = now.Add(time.Duration(rnd.Int64N(int64(2 * time.Second))))
			default:
				now = now.Add(time.Duration(rnd.Int64N(int64(2 * tick))))
			}
			checkExpired(t, w, model, now)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
}

// checkExpired removes the timers that expire now and compares them with the model.
func checkExpired(t *testing.T, w *Wheel[int], model []modelTimer, now time.Time) {
	t.Helper()
	for e := w.Expired(now); e != nil; e = w.Expired(now) {
		m := &model[e.Owner]
		if !m.filed || m.deadline.After(now) {
			t.Errorf("timer %d fired at %v; filed %v, deadline %v", e.Owner, now.Sub(epoch), m.filed, m.deadline.Sub(epoch))
		}
		m.filed = false
	}
	filed := 0
	for i := range model {
		if !model[i].filed {
			continue
		}
		filed++
		if !now.Before(model[i].latest) {
			t.Errorf("timer %d has not fired at %v; deadline %v", i, now.Sub(epoch), model[i].deadline.Sub(epoch))
		}
	}
	if w.Len() != filed {
		t.Errorf("%d timers are filed, want %d", w.Len(), filed)
	}
}

func TestWheelDoesNotAllocate(t *testing.T) {
	w := NewWheel[int](epoch, time.Second, 64)
	var a, b Timer[int]
	now := epoch
	if got := testing.AllocsPerRun(1000, func() {
		w.Set(&a, now.Add(30*time.Second))
		w.Set(&b, now.Add(3*time.Second))
		now = now.Add(time.Second)
		for w.Expired(now) != nil {
		}
		w.Next(now)
		w.Remove(&b)
	}); got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}

func BenchmarkWheelActivity(b *testing.B) {
	b.ReportAllocs()
	w := NewWheel[int](epoch, time.Second, 1024)
	var t Timer[int]
	for i := range b.N {
		w.Set(&t, epoch.Add(time.Duration(i)*time.Microsecond+time.Minute))
	}
}
