// Package upstreamtest contains the contract suite for balancing methods.
package upstreamtest

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"weir/internal/errorlog"
	"weir/stream"
	"weir/stream/offline"
	"weir/stream/upstream"
)

// A Bench creates the sessions for the test of a method: each has another client port, all share
// a manual clock and a log. The zero Bench is not usable. It is safe for concurrent use except for
// its clock.
type Bench struct {
	Vars *stream.VarTable // for compiling a method's key; call Resolve before the first session

	env    stream.Env
	listen stream.Listen
	clock  time.Time

	mu    sync.Mutex
	ids   uint64
	lines []string
}

// NewBench returns a Bench whose clock shows a whole second.
func NewBench() *Bench {
	b := &Bench{clock: time.Unix(1_000_000_000, 0)}
	config := stream.NewConfig()
	b.Vars = config.Vars
	b.env = stream.Env{Now: func() time.Time { return b.clock }, NextID: b.nextID}
	log := errorlog.New(b.env.Now, 1)
	log.Add(errorlog.Warn, b)
	b.listen = stream.Listen{Config: config, Default: &stream.Server{Settings: stream.Settings{ErrorLog: log}}}
	return b
}

func (b *Bench) nextID() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ids++
	return b.ids
}

// WriteLine stores a log line.
func (b *Bench) WriteLine(_ errorlog.Level, line []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, string(line))
}

// Lines returns the lines logged since the last call.
func (b *Bench) Lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines := b.lines
	b.lines = nil
	return lines
}

// Now returns the time of the clock.
func (b *Bench) Now() time.Time { return b.clock }

// Advance moves the clock. No session may be running.
func (b *Bench) Advance(d time.Duration) { b.clock = b.clock.Add(d) }

// RunClock sets the clock to the current system time, with a monotonic reading.
func (b *Bench) RunClock() { b.clock = time.Now() }

// SetBack sets the wall clock back by whole seconds, without changing the monotonic clock.
func (b *Bench) SetBack(t testing.TB, seconds int) {
	t.Helper()
	b.clock = offline.SetBack(t, b.clock, seconds)
}

// Session returns a new session.
func (b *Bench) Session() *stream.Session {
	s := stream.NewSession(&b.listen, &b.env, stream.Client{}, nil)
	s.Client.Addr.IP = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), uint16(s.ID))
	return s
}

// Method checks the contract of every method, on its own groups. method returns the method to
// check; its key should be "$remote_port", which differs between sessions.
func Method(t *testing.T, method func(vars *stream.VarTable) upstream.Method) {
	contract := []struct {
		name  string
		check func(t *testing.T, b *subject)
	}{
		{"no peer is tried twice", noPeerTwice},
		{"a peer that is down is never picked", downIsNotPicked},
		{"max_conns is not exceeded", maxConns},
		{"connections are released", connectionsReleased},
		{"freeing twice panics", freeTwice},
		{"a failed peer pauses", failedPeerPauses},
		{"a single peer never pauses", singlePeerNeverPauses},
		{"sessions use the new peers when they are replaced", replacedPeers},
		{"a group may be empty", emptyGroup},
		{"only peers that are unchecked or healthy are picked", healthyPeers},
		{"more than 64 peers", manyPeers},
		{"concurrent sessions", concurrentSessions},
	}
	for _, c := range contract {
		t.Run(c.name, func(t *testing.T) {
			bench := NewBench()
			b := &subject{Bench: bench, method: method(bench.Vars)}
			bench.Vars.Resolve()
			c.check(t, b)
		})
	}
}

// A subject is one method under test.
type subject struct {
	*Bench
	method upstream.Method
}

// peers returns n peers with the defaults of `server`.
func peers(n int) []*upstream.PeerConf {
	list := make([]*upstream.PeerConf, n)
	for i := range list {
		addr := stream.Addr{IP: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1883)}
		list[i] = &upstream.PeerConf{
			Server: addr.String(), Name: addr.String(), Addr: addr, Weight: 1, MaxFails: 1, FailTimeout: 10 * time.Second,
		}
	}
	return list
}

// newPeers returns n new peers for g.
func newPeers(g *upstream.Group, n int) []*upstream.Peer {
	var list []*upstream.Peer
	for _, c := range peers(n) {
		list = append(list, g.NewPeer(c))
	}
	return list
}

func (b *subject) group(peers []*upstream.PeerConf) *upstream.Group {
	return upstream.NewGroup("u", peers, b.method)
}

// drain runs one session that fails with every peer that it gets, until none is left.
func (b *subject) drain(t *testing.T, g *upstream.Group) []*upstream.Peer {
	t.Helper()
	var got []*upstream.Peer
	p := g.Begin(b.Session())
	for {
		peer, err := p.Pick()
		if err != nil {
			mustBeEmpty(t, err)
			return got
		}
		got = append(got, peer)
		p.Free(peer, upstream.Failed, &stream.Try{})
		if len(got) > 10_000 {
			t.Fatal("picking does not end")
		}
	}
}

func mustBeEmpty(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, upstream.ErrNoLivePeers) {
		t.Fatalf("got error %v, want %v", err, upstream.ErrNoLivePeers)
	}
}

func mustPick(t *testing.T, p upstream.Picker) *upstream.Peer {
	t.Helper()
	peer, err := p.Pick()
	if err != nil {
		t.Fatalf("no peer: %v", err)
	}
	return peer
}

func checkConns(t *testing.T, g *upstream.Group, want int) {
	t.Helper()
	for _, p := range g.Peers() {
		if got := g.Conns(p); got != want {
			t.Errorf("%s has %d connections, want %d", p.Name, got, want)
		}
	}
}

func noPeerTwice(t *testing.T, b *subject) {
	list := peers(7)
	for _, p := range list {
		p.MaxFails = 0
	}
	list[6].Backup = true
	g := b.group(list)
	for range 50 {
		checkAll(t, b.drain(t, g), g.Peers())
	}
	checkConns(t, g, 0)
}

// checkAll checks that got contains every peer of want once.
func checkAll(t *testing.T, got, want []*upstream.Peer) {
	t.Helper()
	seen := map[*upstream.Peer]bool{}
	for _, p := range got {
		if seen[p] {
			t.Errorf("%s was picked twice", p.Name)
		}
		seen[p] = true
	}
	if len(seen) != len(want) {
		t.Errorf("got %d peers, want %d", len(seen), len(want))
	}
}

func downIsNotPicked(t *testing.T, b *subject) {
	list := peers(4)
	list[1].Down, list[3].Drain = true, true
	g := b.group(list)
	for range 50 {
		p := g.Begin(b.Session())
		if p.Tries() != 2 {
			t.Fatalf("got %d tries, want 2", p.Tries())
		}
		peer := mustPick(t, p)
		if peer.Down || peer.Drain {
			t.Fatalf("picked %s, which is down or draining", peer.Name)
		}
		p.Free(peer, upstream.Succeeded, &stream.Try{})
	}
}

func maxConns(t *testing.T, b *subject) {
	list := peers(3)
	for _, p := range list {
		p.MaxConns = 2
	}
	g := b.group(list)
	for range 6 {
		mustPick(t, g.Begin(b.Session()))
	}
	checkConns(t, g, 2)
	_, err := g.Begin(b.Session()).Pick()
	mustBeEmpty(t, err)
}

func connectionsReleased(t *testing.T, b *subject) {
	g := b.group(peers(3))
	var free []func()
	for range 30 {
		p := g.Begin(b.Session())
		peer := mustPick(t, p)
		p.Notify(peer, upstream.Connected, time.Millisecond)
		free = append(free, func() { p.Free(peer, upstream.Succeeded, &stream.Try{}) })
	}
	sum := 0
	for _, p := range g.Peers() {
		sum += g.Conns(p)
	}
	if sum != 30 {
		t.Errorf("got %d connections, want 30", sum)
	}
	for _, f := range free {
		f()
	}
	checkConns(t, g, 0)
}

func freeTwice(t *testing.T, b *subject) {
	p := b.group(peers(2)).Begin(b.Session())
	peer := mustPick(t, p)
	p.Free(peer, upstream.Succeeded, &stream.Try{})
	defer func() {
		if recover() == nil {
			t.Error("freeing twice did not panic")
		}
	}()
	p.Free(peer, upstream.Succeeded, &stream.Try{})
}

func failedPeerPauses(t *testing.T, b *subject) {
	g := b.group(peers(2))
	p := g.Begin(b.Session())
	failed := mustPick(t, p)
	p.Free(failed, upstream.Failed, &stream.Try{})
	if lines := b.Lines(); len(lines) != 1 {
		t.Errorf("got log %q, want one line", lines)
	}
	for range 40 {
		p := g.Begin(b.Session())
		peer := mustPick(t, p)
		if peer == failed {
			t.Fatal("a failed peer was picked within its fail_timeout")
		}
		p.Free(peer, upstream.Succeeded, &stream.Try{})
	}
	b.Advance(11 * time.Second)
	if got := b.drain(t, g); len(got) != 2 {
		t.Errorf("after fail_timeout %d peers are offered, want 2", len(got))
	}
}

func singlePeerNeverPauses(t *testing.T, b *subject) {
	g := b.group(peers(1))
	for range 5 {
		p := g.Begin(b.Session())
		if p.Tries() != 1 {
			t.Errorf("got %d tries, want 1", p.Tries())
		}
		p.Free(mustPick(t, p), upstream.Failed, &stream.Try{})
	}
	if lines := b.Lines(); lines != nil {
		t.Errorf("got log %q, want none", lines)
	}
}

func replacedPeers(t *testing.T, b *subject) {
	g := b.group(peers(3))
	list := g.Peers()
	p := g.Begin(b.Session())
	peer := mustPick(t, p)
	g.Replace(list[1:])
	p.Free(peer, upstream.Failed, &stream.Try{})
	got := map[*upstream.Peer]bool{}
	for next, err := p.Pick(); err == nil; next, err = p.Pick() {
		if got[next] || next == peer || next == list[0] {
			t.Errorf("%s is picked again, or picked after it was removed", next.Name)
		}
		got[next] = true
		p.Free(next, upstream.Failed, &stream.Try{})
	}
	if len(got) == 0 {
		t.Error("a session that has begun gets none of the remaining peers")
	}
	fresh := newPeers(g, 2)
	g.Replace(fresh[:1])
	late := g.Begin(b.Session())
	g.Replace(fresh[1:])
	late.Free(mustPickPeer(t, late, fresh[1]), upstream.Succeeded, &stream.Try{})
}

// mustPickPeer picks a peer and checks that it is want.
func mustPickPeer(t *testing.T, p upstream.Picker, want *upstream.Peer) *upstream.Peer {
	t.Helper()
	got := mustPick(t, p)
	if got != want {
		t.Errorf("got %s, want %s", got.Name, want.Name)
	}
	return got
}

func emptyGroup(t *testing.T, b *subject) {
	g := b.group(nil)
	p := g.Begin(b.Session())
	if n := p.Tries(); n != 0 {
		t.Errorf("got %d tries, want none", n)
	}
	_, err := p.Pick()
	mustBeEmpty(t, err)
	list := newPeers(g, 1)
	g.Replace(list)
	p.Free(mustPickPeer(t, p, list[0]), upstream.Succeeded, &stream.Try{})
}

// healthyPeers checks each result of health checks, and that a peer is picked again after it.
func healthyPeers(t *testing.T, b *subject) {
	g := upstream.NewZoneGroup("u", upstream.Zone{Name: "z"}, peers(3), b.method, nil, upstream.Resolving{})
	check := g.NewCheck(false, false)
	all := g.Peers()
	for _, h := range []upstream.Health{upstream.Draining, upstream.Checking, upstream.Unhealthy} {
		check.Report(all[1], false, h)
		for range 40 {
			p := g.Begin(b.Session())
			peer := mustPick(t, p)
			if peer == all[1] {
				t.Fatalf("picked a peer that is %v", h)
			}
			p.Free(peer, upstream.Succeeded, &stream.Try{})
		}
		check.Report(all[0], false, h)
		check.Report(all[2], false, h)
		_, err := g.Begin(b.Session()).Pick()
		mustBeEmpty(t, err)
		for _, p := range all {
			check.Report(p, true, upstream.Healthy)
		}
		checkAll(t, b.drain(t, g), all)
		b.Advance(11 * time.Second)
	}
}

func manyPeers(t *testing.T, b *subject) {
	list := peers(300)
	for _, p := range list {
		p.MaxFails = 0
	}
	for _, p := range list[200:] {
		p.Backup = true
	}
	g := b.group(list)
	checkAll(t, b.drain(t, g), g.Peers())
	checkConns(t, g, 0)
}

func concurrentSessions(t *testing.T, b *subject) {
	list := peers(5)
	for _, p := range list {
		p.MaxFails = 0
	}
	g := b.group(list)
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for range 8 {
		wg.Go(func() { errs <- serve(b, g, 200) })
	}
	wg.Wait()
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	checkConns(t, g, 0)
}

// serve runs n sessions that fail once and then connect.
func serve(b *subject, g *upstream.Group, n int) error {
	for range n {
		p := g.Begin(b.Session())
		for i := range 2 {
			peer, err := p.Pick()
			if err != nil {
				return fmt.Errorf("attempt %d: %w", i, err)
			}
			if i == 1 {
				p.Notify(peer, upstream.Connected, 0)
			}
			p.Free(peer, FailedIf(i == 0), &stream.Try{})
		}
	}
	return nil
}

// FailedIf returns the outcome of a failed attempt, or of a successful one.
func FailedIf(failed bool) upstream.Outcome {
	if failed {
		return upstream.Failed
	}
	return upstream.Succeeded
}
