package upstream_test

import (
	"fmt"
	"testing"
	"time"

	"weir/stream"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// statistics returns what the snapshot of the group has of its i-th peer, without values that are zero
// or unknown. Times are seconds after the start of the bench's clock.
func statistics(g *upstream.Group, i int) string {
	p := g.Snapshot().Peers[i]
	text := p.State.String()
	add := func(name string, n int64) {
		if n > 0 {
			text += fmt.Sprintf(" %s=%d", name, n)
		}
	}
	add("active", int64(p.Active))
	add("connections", int64(p.Connections))
	add("connect", p.ConnectTime)
	add("first_byte", p.FirstByteTime)
	add("response", p.ResponseTime)
	add("sent", p.Sent)
	add("received", p.Received)
	add("fails", int64(p.Fails))
	add("unavail", int64(p.Unavail))
	add("downtime", int64(p.Downtime/time.Second))
	if !p.Downstart.IsZero() {
		add("downstart", p.Downstart.Unix()-1_000_000_000)
	}
	if !p.Selected.IsZero() {
		add("selected", p.Selected.Unix()-1_000_000_000)
	}
	return text
}

func checkStatistics(t *testing.T, g *upstream.Group, i int, want string) {
	t.Helper()
	if got := statistics(g, i); got != want {
		t.Errorf("peer %d: got %s, want %s", i, got, want)
	}
}

// A statisticsTest is a group of a and b, which fail once, with the clock of a bench.
type statisticsTest struct {
	*testing.T
	*upstreamtest.Bench
	*upstream.Group
}

func newStatisticsTest(t *testing.T) *statisticsTest {
	t.Helper()
	confs := servers("a b")
	for _, c := range confs {
		c.MaxFails, c.FailTimeout = 1, 10*time.Second
	}
	g := upstream.NewZoneGroup("u", zone, confs, upstream.RoundRobin, nil, upstream.Resolving{})
	b := upstreamtest.NewBench()
	openGroup(t, b, g, nil)
	return &statisticsTest{t, b, g}
}

// session begins a session and connects it with a peer. The function ends it.
func (s *statisticsTest) session(took time.Duration) (p upstream.Picker, end func(upstream.Outcome)) {
	s.Helper()
	first := s.Group.Begin(s.Session())
	peer, err := first.Pick()
	if err != nil {
		s.Fatal(err)
	}
	first.Notify(peer, upstream.Connected, took)
	p = first.Established()
	p.Notify(peer, upstream.FirstByte, 2*took)
	return p, func(o upstream.Outcome) { p.Free(peer, o, &stream.Try{Total: 10 * took}) }
}

// fail begins a session whose attempt fails.
func (s *statisticsTest) fail() {
	s.Helper()
	p := s.Group.Begin(s.Session())
	peer, err := p.Pick()
	if err != nil {
		s.Fatal(err)
	}
	p.Free(peer, upstream.Failed, &stream.Try{})
}

// TestStatistics checks the statistics of sessions that succeed and fail.
func TestStatistics(t *testing.T) {
	s := newStatisticsTest(t)
	checkStatistics(t, s.Group, 0, "up")
	s.Advance(time.Second)
	_, end := s.session(3 * time.Millisecond)
	s.Group.Peers()[0].Traffic().Sent(0, 7)
	s.Group.Peers()[0].Traffic().Received(0, 9)
	checkStatistics(t, s.Group, 0, "up active=1 connections=1 connect=3 first_byte=6 sent=7 received=9 selected=1")
	end(upstream.Succeeded)
	s.Advance(time.Second)
	s.fail()
	checkStatistics(t, s.Group, 1, "unavail connections=1 fails=1 unavail=1 downstart=2 selected=2")
	s.Advance(11 * time.Second)
	checkStatistics(t, s.Group, 1, "unavail connections=1 fails=1 unavail=1 downtime=11 downstart=2 selected=2")
	for s.Snapshot().Peers[1].Connections == 1 {
		_, end := s.session(time.Millisecond)
		end(upstream.Succeeded)
	}
	s.Advance(time.Second)
	checkStatistics(t, s.Group, 1,
		"up connections=2 connect=1 first_byte=2 response=10 fails=1 unavail=1 downtime=11 downstart=2 selected=13")
	s.Group.Reset()
	checkStatistics(t, s.Group, 0, "up")
	checkStatistics(t, s.Group, 1, "up")
}

// TestDowntime checks which states count as downtime.
func TestDowntime(t *testing.T) {
	s := newStatisticsTest(t)
	g := upstream.NewZoneGroup("u", zone, servers("a"), upstream.RoundRobin, nil, upstream.Resolving{})
	check := g.NewCheck(true, false)
	openGroup(t, s.Bench, g, nil)
	a := func() *upstream.Peer { return g.Peers()[0] }
	for i, step := range []struct {
		change func()
		want   string
	}{
		{func() {}, "checking downtime=1"},
		{func() { check.Report(a(), true, upstream.Healthy) }, "up downtime=1"},
		{func() { check.Report(a(), false, upstream.Unhealthy) }, "unhealthy downtime=2 downstart=2"},
		{func() { editServer(t, g, upstream.Change{Down: new(true)}) }, "down downtime=2 downstart=2"},
		{func() { editServer(t, g, upstream.Change{Down: new(false)}) }, "unhealthy downtime=3 downstart=4"},
		{func() { g.Reset() }, "unhealthy downtime=1 downstart=5"},
		{func() { check.Report(a(), true, upstream.Healthy) }, "up downtime=1 downstart=5"},
		{func() { editServer(t, g, upstream.Change{Drain: new(true)}) }, "draining downtime=1 downstart=5"},
	} {
		step.change()
		s.Advance(time.Second)
		if got := statistics(g, 0); got != step.want {
			t.Errorf("step %d: got %s, want %s", i, got, step.want)
		}
	}
}

func editServer(t *testing.T, g *upstream.Group, c upstream.Change) {
	t.Helper()
	if _, err := g.Patch(0, c); err != nil {
		t.Fatal(err)
	}
}

// TestStatisticsAfterReload checks when statistics continue, and that sessions of the earlier
// configuration count too.
func TestStatisticsAfterReload(t *testing.T) {
	for _, tt := range []struct {
		zone upstream.Zone
		want string
	}{
		{zone, "up connections=2 connect=1 first_byte=2 response=10"},
		{upstream.Zone{Name: zone.Name, Size: 2 * zone.Size}, "up connections=1 connect=1 first_byte=2 response=10"},
		{upstream.Zone{Name: "other", Size: zone.Size}, "up connections=1 connect=1 first_byte=2 response=10"},
	} {
		s := newStatisticsTest(t)
		_, end := s.session(time.Millisecond)
		next := upstream.NewZoneGroup("u", tt.zone, servers("c a"), upstream.RoundRobin, nil, upstream.Resolving{})
		openGroup(t, s.Bench, next, s.Group)
		before := s.Group
		s.Group = next
		checkStatistics(t, next, 0, "up")
		_, endC := s.session(time.Millisecond)
		endC(upstream.Succeeded)
		_, endA := s.session(time.Millisecond)
		endA(upstream.Succeeded)
		end(upstream.Succeeded)
		if got := statistics(next, 1); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.zone, got, tt.want)
		}
		if before.Snapshot().Peers[0].Active != 0 {
			t.Error("the session of the earlier configuration is still active")
		}
	}
}

// TestStatisticsOfSinglePeer checks that failures of the only peer of a group count, although they do not
// take it out of use.
func TestStatisticsOfSinglePeer(t *testing.T) {
	confs := servers("a")
	confs[0].MaxFails = 1
	g := upstream.NewZoneGroup("u", zone, confs, upstream.RoundRobin, nil, upstream.Resolving{})
	s := &statisticsTest{t, upstreamtest.NewBench(), g}
	openGroup(t, s.Bench, g, nil)
	s.fail()
	s.fail()
	checkStatistics(t, g, 0, "up connections=2 fails=2")
}
