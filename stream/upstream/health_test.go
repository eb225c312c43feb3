package upstream_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"weir/stream"
	"weir/stream/offline"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// zone is the zone of the groups in these tests.
var zone = upstream.Zone{Name: "z", Size: 256 << 10}

// zoneGroup returns a group in a zone with the peers of function servers.
func zoneGroup(m upstream.Method, line string) *upstream.Group {
	return upstream.NewZoneGroup("u", zone, servers(line), m, nil, upstream.Resolving{})
}

// openGroup opens a group after another, which may be nil, with the clock of the bench.
func openGroup(t testing.TB, bench *upstreamtest.Bench, g, before *upstream.Group) {
	t.Helper()
	env, _ := offline.NewEnv(bench.Now)
	var old stream.Part
	if before != nil {
		old = before
	}
	if err := g.Open(t.Context(), env, old); err != nil {
		t.Fatal(err)
	}
	upstream.TakeOver(g)
}

// TestWorstResult checks that the result of a peer is the worst one of all checks.
func TestWorstResult(t *testing.T) {
	g := zoneGroup(upstream.RoundRobin, "a b")
	one, two := g.NewCheck(false, false), g.NewCheck(true, false)
	p := g.Peers()[0]
	for i, step := range []struct {
		check  *upstream.Check
		report upstream.Health
		want   upstream.Health
	}{
		{one, upstream.Healthy, upstream.Checking},
		{two, upstream.Healthy, upstream.Healthy},
		{one, upstream.Draining, upstream.Draining},
		{two, upstream.Unhealthy, upstream.Unhealthy},
		{one, upstream.Healthy, upstream.Unhealthy},
		{two, upstream.Healthy, upstream.Healthy},
	} {
		step.check.Report(p, step.report != upstream.Unhealthy, step.report)
		if got := g.Health(p); got != step.want || step.check.Health(p) != step.report {
			t.Errorf("step %d: got %v and %v for the check, want %v", i, got, step.check.Health(p), step.want)
		}
	}
	if got := g.Health(g.Peers()[1]); got != upstream.Checking {
		t.Errorf("the other peer is %v", got)
	}
	want := upstream.HealthCounts{Checks: 6, Fails: 1, Unhealthy: 1, LastPassed: true}
	if got := g.Snapshot().Peers[0].Health; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestNewPeerIsChecked checks that a peer that enters a group with a mandatory check gets no session
// before its first check.
func TestNewPeerIsChecked(t *testing.T) {
	g := zoneGroup(upstream.RoundRobin, "a")
	check := g.NewCheck(true, false)
	check.Report(g.Peers()[0], true, upstream.Healthy)
	_, replaced := g.Watch()
	fresh := g.NewPeer(servers("b")[0])
	g.Replace(append(g.Peers(), fresh))
	select {
	case <-replaced:
	default:
		t.Error("the channel of Watch is open after a change")
	}
	bench := upstreamtest.NewBench()
	if got := picks(t, bench, g, 3); !slices.Equal(got, []string{"a", "a", "a"}) {
		t.Errorf("got servers %v before the first check", got)
	}
	check.Report(fresh, true, upstream.Healthy)
	if got := picks(t, bench, g, 4); !slices.Contains(got, "b") {
		t.Errorf("got servers %v after the first check", got)
	}
	now, again := g.Watch()
	if len(now) != 2 {
		t.Errorf("Watch returns %d peers, want 2", len(now))
	}
	select {
	case <-again:
		t.Error("the new channel is closed without a change")
	default:
	}
}

// TestPersistentHealth checks which peers are healthy after a reload.
func TestPersistentHealth(t *testing.T) {
	for _, tt := range []struct {
		mandatory, persistent bool
		want                  string
	}{
		{false, false, "a:unchecked b:unchecked c:unchecked d:unchecked"},
		{true, false, "a:checking b:checking c:checking d:checking"},
		{true, true, "a:healthy b:checking c:checking d:checking"},
	} {
		bench := upstreamtest.NewBench()
		before := zoneGroup(upstream.RoundRobin, "a b c")
		check := before.NewCheck(tt.mandatory, tt.persistent)
		check.Report(before.Peers()[0], true, upstream.Healthy)
		check.Report(before.Peers()[1], false, upstream.Unhealthy)
		openGroup(t, bench, before, nil)
		next := zoneGroup(upstream.RoundRobin, "a b c d")
		next.NewCheck(tt.mandatory, tt.persistent)
		openGroup(t, bench, next, before)
		got := ""
		for i, p := range next.Peers() {
			if i > 0 {
				got += " "
			}
			got += fmt.Sprintf("%s:%v", p.Server, next.Health(p))
		}
		if got != tt.want {
			t.Errorf("mandatory %v, persistent %v: got %s, want %s", tt.mandatory, tt.persistent, got, tt.want)
		}
	}
}

// TestDropFlag checks which changes ask a session with proxy_session_drop to end.
func TestDropFlag(t *testing.T) {
	g := zoneGroup(upstream.RoundRobin, "a b")
	check := g.NewCheck(false, false)
	left := g.Peers()[0].Left()
	for i, step := range []struct {
		change func(p *upstream.Peer)
		want   bool
	}{
		{func(p *upstream.Peer) { check.Report(p, false, upstream.Draining) }, false},
		{func(p *upstream.Peer) { check.Report(p, false, upstream.Unhealthy) }, true},
		{func(p *upstream.Peer) { check.Report(p, true, upstream.Healthy) }, false},
		{func(*upstream.Peer) { edit(g, 0, func(c *upstream.PeerConf) { c.Down = true }) }, true},
		{func(*upstream.Peer) { edit(g, 0, func(c *upstream.PeerConf) { c.Down, c.Drain = false, true }) }, false},
		{func(*upstream.Peer) { g.Replace(g.Peers()[1:]) }, true},
	} {
		step.change(g.Peers()[0])
		if left.Load() != step.want {
			t.Errorf("step %d: got %v, want %v", i, left.Load(), step.want)
		}
	}
}

// TestRecoveryStartsSlowly checks that slow_start begins when an unhealthy peer has recovered.
func TestRecoveryStartsSlowly(t *testing.T) {
	bench := upstreamtest.NewBench()
	confs := servers("a b")
	confs[0].SlowStart = 10 * time.Second
	g := upstream.NewZoneGroup("u", zone, confs, upstream.RoundRobin, nil, upstream.Resolving{})
	check := g.NewCheck(false, false)
	openGroup(t, bench, g, nil)
	share := func() int {
		n := 0
		for _, name := range picks(t, bench, g, 20) {
			if name == "a" {
				n++
			}
		}
		return n
	}
	check.Report(g.Peers()[0], true, upstream.Healthy)
	if got := share(); got != 10 {
		t.Errorf("a got %d of 20 sessions after its first check, want 10", got)
	}
	check.Report(g.Peers()[0], false, upstream.Unhealthy)
	check.Report(g.Peers()[0], true, upstream.Healthy)
	if got := share(); got > 1 {
		t.Errorf("a got %d of 20 sessions at the start of slow_start", got)
	}
	bench.Advance(10 * time.Second)
	if got := share(); got != 10 {
		t.Errorf("a got %d of 20 sessions after slow_start, want 10", got)
	}
}
