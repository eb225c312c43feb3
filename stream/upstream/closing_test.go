package upstream_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"weir/internal/testwait"
	"weir/stream"
	"weir/stream/offline"
	"weir/stream/upstream"
)

// A proxied is a Content with a session that has chosen a server.
type proxied struct {
	stream.Content
	picker upstream.Picker
	peer   *upstream.Peer
	drops  bool
}

// Chosen implements upstream.Proxy.
func (p *proxied) Chosen(*stream.Session) (upstream.Picker, *upstream.Peer, bool) {
	return p.picker, p.peer, p.drops
}

// An ending is a group that ends sessions, with the aborts that it has asked for.
type ending struct {
	*upstream.Group
	env    *stream.Env
	aborts chan abort
}

type abort struct {
	match  func(*stream.Session) bool
	budget *stream.Budget
}

// opened opens a group with the rate, after the previous one, which may be nil.
func opened(t *testing.T, g *upstream.Group, perSecond int, before *ending) *ending {
	t.Helper()
	e := &ending{Group: g, aborts: make(chan abort, 10)}
	e.env, _ = offline.NewEnv(time.Now)
	e.env.Abort = func(match func(*stream.Session) bool, b *stream.Budget) { e.aborts <- abort{match, b} }
	g.SetCloseBudget(stream.NewBudget(perSecond))
	var old stream.Part
	if before != nil {
		old = before.Group
	}
	if err := g.Open(t.Context(), e.env, old); err != nil {
		t.Fatal(err)
	}
	return e
}

// session returns a session that uses the server with that number.
func (e *ending) session(number int, drops bool) *stream.Session {
	b := &stream.Session{Env: e.env}
	picker := e.Begin(b)
	b.Server = &stream.Server{Content: &proxied{picker: picker, peer: e.Peers()[number], drops: drops}}
	return b
}

func wantMatch(t *testing.T, a abort, s *stream.Session, want bool) {
	t.Helper()
	if a.match(s) != want {
		t.Errorf("a session is ended: %v, want %v", !want, want)
	}
}

func (e *ending) wantNoAbort(t *testing.T) {
	t.Helper()
	select {
	case <-e.aborts:
		t.Error("sessions are ended")
	default:
	}
}

// TestCloseRemoved checks that the sessions of a removed server end at the rate, and no longer when it
// returns.
func TestCloseRemoved(t *testing.T) {
	g := opened(t, zoneGroup(upstream.RoundRobin, "a b c"), 5, nil)
	gone, kept, stays := g.session(1, true), g.session(1, false), g.session(2, true)
	left := g.Peers()[1].Left()
	removed := g.Servers()[1]
	if _, err := g.Remove(removed.ID); err != nil {
		t.Fatal(err)
	}
	a := <-g.aborts
	if a.budget != g.CloseBudget() || a.budget.PerSecond() != 5 || left.Load() {
		t.Errorf("the sessions end at a rate of %d, and at once: %v", a.budget.PerSecond(), left.Load())
	}
	wantMatch(t, a, gone, true)
	wantMatch(t, a, kept, false)
	wantMatch(t, a, stays, false)
	wantMatch(t, a, &stream.Session{Server: &stream.Server{}}, false)
	wantMatch(t, a, &stream.Session{Server: &stream.Server{Content: &proxied{}}}, false)
	mustAdd(t, g.Group, address(9))
	g.wantNoAbort(t)
	if _, err := g.Patch(g.Servers()[1].ID, upstream.Change{Down: new(true)}); err != nil {
		t.Fatal(err)
	}
	a = <-g.aborts
	wantMatch(t, a, stays, true)
	if _, err := g.Patch(g.Servers()[1].ID, upstream.Change{Down: new(false)}); err != nil {
		t.Fatal(err)
	}
	wantMatch(t, a, stays, false)
}

// TestRemovedAtOnce checks that without a rate the sessions end at their next event.
func TestRemovedAtOnce(t *testing.T) {
	g := opened(t, zoneGroup(upstream.RoundRobin, "a b c"), 0, nil)
	left := g.Peers()[1].Left()
	if _, err := g.Remove(g.Servers()[1].ID); err != nil {
		t.Fatal(err)
	}
	g.wantNoAbort(t)
	if !left.Load() {
		t.Error("the sessions stay")
	}
}

// run runs the group until the test ends.
func (e *ending) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Run(ctx)
	}()
	t.Cleanup(func() { stop(); <-done })
}

// TestCloseAfterReload checks that a reload ends the sessions of servers that it removes, also those of
// earlier configurations.
func TestCloseAfterReload(t *testing.T) {
	method := upstream.RoundRobin
	first := opened(t, upstream.NewGroup("u", servers("a b c"), method), 5, nil)
	gone, stays := first.session(2, true), first.session(1, true)
	same := opened(t, upstream.NewGroup("u", servers("a b c"), method), 5, first)
	same.run(t)
	later := same.session(2, true)
	next := opened(t, upstream.NewGroup("u", servers("a b"), method), 7, same)
	next.run(t)
	a := <-next.aborts
	if a.budget.PerSecond() != 7 {
		t.Errorf("the sessions end at a rate of %d", a.budget.PerSecond())
	}
	wantMatch(t, a, gone, true)
	wantMatch(t, a, later, true)
	wantMatch(t, a, stays, false)
	same.wantNoAbort(t)
	back := opened(t, upstream.NewGroup("u", servers("a b c"), method), 5, next)
	back.run(t)
	testwait.Eventually(t, "the server is in use again", func() bool { return !a.match(gone) })
	back.wantNoAbort(t)
}

// TestCloseAfterReloadsAtOnce checks that the sessions of a server end also if its configuration was
// replaced at once, in whatever order the configurations begin.
func TestCloseAfterReloadsAtOnce(t *testing.T) {
	for range 100 {
		method := upstream.RoundRobin
		first := opened(t, upstream.NewGroup("u", servers("a b c"), method), 5, nil)
		gone, stays := first.session(2, true), first.session(1, true)
		second := opened(t, upstream.NewGroup("u", servers("a b"), method), 5, first)
		third := opened(t, upstream.NewGroup("u", servers("a b"), method), 5, second)
		third.run(t)
		second.run(t)
		var a abort
		select {
		case a = <-second.aborts:
		case a = <-third.aborts:
		}
		wantMatch(t, a, gone, true)
		wantMatch(t, a, stays, false)
		if t.Failed() {
			return
		}
	}
}

// TestDrain checks that a server gets no new session, in a group with a zone and in one without, and that
// its sessions end only if there is a rate for that.
func TestDrain(t *testing.T) {
	for name, g := range map[string]*upstream.Group{"zone": zoneGroup(upstream.RoundRobin, "a b c"), "no zone": upstream.NewGroup("u", servers("a b c"), upstream.RoundRobin)} {
		t.Run(name, func(t *testing.T) {
			g := opened(t, g, 0, nil)
			busy, stays := g.session(1, false), g.session(2, true)
			server := g.Peers()[1].Name
			drained, err := g.Drain(server, 0)
			if err != nil || len(drained) != 1 || !drained[0].Drain || g.Sessions(drained) != 0 {
				t.Fatalf("drained %v, %v", drained, err)
			}
			g.wantNoAbort(t)
			for range 6 {
				p := g.Begin(busy)
				peer, err := p.Pick()
				if err != nil || peer.Name == server {
					t.Fatalf("picked %v, %v", peer, err)
				}
				p.Free(peer, upstream.Succeeded, nil)
			}
			if _, err := g.Drain(server, 3); err != nil {
				t.Fatal(err)
			}
			a := <-g.aborts
			if a.budget.PerSecond() != 3 || g.Ending(drained[0]) != stream.BrokerDrained {
				t.Errorf("the sessions end at a rate of %d, %v", a.budget.PerSecond(), g.Ending(drained[0]))
			}
			wantMatch(t, a, busy, true)
			wantMatch(t, a, stays, false)
			if g.Zone().Name != "" {
				if _, err := g.Patch(g.Servers()[1].ID, upstream.Change{Drain: new(false)}); err != nil {
					t.Fatal(err)
				}
				wantMatch(t, a, busy, false)
			}
			if found, err := g.Drain("none", 3); err != nil || len(found) != 0 {
				t.Errorf("drained %v, %v", found, err)
			}
		})
	}
}

// TestReloadEndsDrain checks that a server that was drained while weir ran is in use after a reload.
func TestReloadEndsDrain(t *testing.T) {
	first := opened(t, upstream.NewGroup("u", servers("a b c"), upstream.RoundRobin), 0, nil)
	busy := first.session(1, true)
	if _, err := first.Drain(first.Peers()[1].Name, 1); err != nil {
		t.Fatal(err)
	}
	a := <-first.aborts
	wantMatch(t, a, busy, true)
	next := opened(t, upstream.NewGroup("u", servers("a b c"), upstream.RoundRobin), 0, first)
	next.run(t)
	testwait.Eventually(t, "the session stays", func() bool { return !a.match(busy) })
	if next.Peers()[1].Drain {
		t.Error("the server is still drained")
	}
}

// TestDrainServer drains a server by its ID, again with another rate, and lists the servers whose sessions end.
func TestDrainServer(t *testing.T) {
	g := opened(t, zoneGroup(upstream.RoundRobin, "a b c"), 10, nil)
	id := g.Peers()[1].ID
	want := func(all ...upstream.Leaving) {
		t.Helper()
		if got := g.Leavings(); !slices.Equal(got, all) {
			t.Errorf("got %v, want %v", got, all)
		}
	}
	want()
	if _, err := g.DrainServer(id, 3); err != nil {
		t.Fatal(err)
	}
	server := g.Peers()[1].Addr.String()
	want(upstream.Leaving{ID: id, Server: server, Why: stream.BrokerDrained, PerSecond: 3})
	first := <-g.aborts
	if _, err := g.DrainServer(id, 7); err != nil {
		t.Fatal(err)
	}
	if second := <-g.aborts; first.budget.PerSecond() != 7 || second.budget.PerSecond() != 7 || first.budget.Limiting() != second.budget {
		t.Errorf("the sessions end at rates of %d and %d", first.budget.PerSecond(), second.budget.PerSecond())
	}
	if _, err := g.DrainServer(id, 0); err != nil {
		t.Fatal(err)
	}
	g.wantNoAbort(t)
	if _, err := g.DrainServer(id+100, 1); err == nil {
		t.Error("a missing server is drained")
	}
	p := g.Begin(g.session(0, true))
	peer, err := p.Pick()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Remove(peer.ID); err != nil {
		t.Fatal(err)
	}
	want(upstream.Leaving{ID: -1, Server: peer.Addr.String(), Why: stream.BrokerRemoved, Sessions: 1, PerSecond: 10},
		upstream.Leaving{ID: id, Server: server, Why: stream.BrokerDrained, PerSecond: 7})
	p.Free(peer, upstream.Succeeded, nil)
	want(upstream.Leaving{ID: id, Server: server, Why: stream.BrokerDrained, PerSecond: 7})
}
