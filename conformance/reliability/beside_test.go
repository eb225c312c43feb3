package reliability

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"weir/conformance/program"
)

// TestReloadsBesideOthers reloads weir, nginx and HAProxy with open sessions, and compares processes and memory.
func TestReloadsBesideOthers(t *testing.T) {
	reloads, sessions := scale(5, 20), scale(100, 300)
	broker := threeBrokers(t)[0]
	for _, sub := range subjects(t) {
		b := newBalancer(t, 2*sessions+reloads, broker)
		r := sub.run(t, b)
		f := startFleet(t, b.addr, names("meter", sessions))
		f.round()
		before := r.memory(t)
		for range reloads {
			r.reload(t)
			f.round() // the sessions continue, and a client connects to the new configuration
			c, err := connect(b.addr, "new", "", program.Patience)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
		}
		dirs := processes(r.PID())
		figure(t, "reloads beside others", "%s: after %d reloads with %d sessions: %d processes, %d KiB, before: %d KiB",
			sub.name, reloads, sessions, len(dirs), pss(t, dirs)>>10, before>>10)
		if sub.name == "weir" && len(dirs) != 1 {
			t.Errorf("weir has %d processes, want 1", len(dirs))
		}
		f.halt()
	}
}

// TestSlowReadersBesideOthers compares the memory of sessions whose clients read nothing.
func TestSlowReadersBesideOthers(t *testing.T) {
	const sessions = 200
	each := map[string]int{}
	for _, sub := range subjects(t) {
		serve, sent := flood()
		b := newBalancer(t, sessions+100, localBroker(t, serve).Addr())
		b.small = true
		r := sub.run(t, b)
		before := r.memory(t)
		for range sessions {
			c, err := smallDialer.Dial("tcp", b.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
		awaitFull(t, sent)
		each[sub.name] = (r.memory(t) - before) / sessions
		figure(t, "slow readers beside others", "%s: %d sessions, %d bytes each", sub.name, sessions, each[sub.name])
	}
	if each["weir"] > each["nginx"] {
		t.Errorf("a session takes %d bytes in weir and %d in nginx", each["weir"], each["nginx"])
	}
}

// TestStuckClientsBesideOthers compares the memory of sessions that stop before the PROXY header.
func TestStuckClientsBesideOthers(t *testing.T) {
	const sessions = 500
	for _, sub := range subjects(t) {
		b := newBalancer(t, sessions+100, threeBrokers(t)[0])
		b.header = true
		r := sub.run(t, b)
		before, descriptors := r.memory(t), r.open(t)
		for range sessions {
			c, err := dialer.Dial("tcp", b.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
		program.Await(t, "all sessions", func() bool { return r.open(t) >= descriptors+sessions })
		figure(t, "stuck clients beside others", "%s: %d sessions before the PROXY header, %d bytes each", sub.name, sessions,
			(r.memory(t)-before)/sessions)
	}
}

// TestRefusalsBesideOthers kills one of three brokers while clients connect, and compares how long they wait.
// The sessions that the broker had are reset, so that visits which have begun before are not counted.
func TestRefusalsBesideOthers(t *testing.T) {
	rate, visits := 100, scale(100, 300)
	for _, sub := range subjects(t) {
		brokers := startBrokers(t, 3)
		b := newBalancer(t, visits+100, brokers[0].addr, brokers[1].addr, brokers[2].addr)
		sub.run(t, b)
		v := startVisitors(t, &visitors{addr: b.addr, ids: names("visitor", visits), rate: rate})
		v.more(t, rate/2)
		brokers[1].kill()
		killed := time.Now()
		v.more(t, visits)
		var took []time.Duration
		refused := 0
		for _, one := range v.halt() {
			if one.began.Before(killed) {
				continue
			}
			took = append(took, one.took)
			if one.err != nil {
				refused++
			}
		}
		slices.Sort(took)
		slowest := took[len(took)-1]
		figure(t, "refusals beside others", "%s: %d connections after kill -9 of 1 of 3 brokers: %d refused, median %v, 99 %% %v, slowest %v",
			sub.name, len(took), refused, took[len(took)/2].Round(time.Microsecond), took[len(took)*99/100].Round(time.Microsecond),
			slowest.Round(time.Microsecond))
		if sub.name == "weir" && refused > 0 {
			t.Errorf("%d clients were refused", refused)
		}
	}
}

// awaitFull waits until a broker that floods cannot send any more.
func awaitFull(t *testing.T, sent *atomic.Int64) {
	t.Helper()
	seen, since := sent.Load(), time.Now()
	program.Await(t, "full buffers", func() bool {
		if now := sent.Load(); now != seen {
			seen, since = now, time.Now()
		}
		return seen > 0 && time.Since(since) > time.Second
	})
}
