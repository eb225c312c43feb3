package upstream_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/conformance/peers"
	"weir/internal/resolver"
	"weir/internal/testwait"
	"weir/stream"
	"weir/stream/offline"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// A dynamicGroup is a group with one dynamic server, and the name server that has its addresses.
type dynamicGroup struct {
	*peers.DNS
	group     *upstream.Group
	lines     *offline.Lines
	resolving upstream.Resolving
}

// dynamicServer returns `server b.example:1883 resolve`, or with a service `server b.example
// service=… resolve`.
func dynamicServer(service string) *upstream.DynamicServer {
	return &upstream.DynamicServer{
		Template: upstream.PeerConf{Server: "b.example:1883", Weight: 1, MaxFails: 1, FailTimeout: 10 * time.Second},
		Host:     "b.example", Port: 1883, Service: service,
	}
}

// newDynamicGroup returns a group with those fixed peers, before the first lookup of its dynamic
// server.
func newDynamicGroup(t testing.TB, m upstream.Method, n *upstream.DynamicServer, fixed ...*upstream.PeerConf) *dynamicGroup {
	t.Helper()
	return newDynamicGroupWith(t, resolver.Options{NoAAAA: true}, m, n, fixed...)
}

func newDynamicGroupWith(t testing.TB, o resolver.Options, m upstream.Method, n *upstream.DynamicServer, fixed ...*upstream.PeerConf) *dynamicGroup {
	t.Helper()
	d, err := peers.StartDNS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	o.Servers = []netip.AddrPort{netip.MustParseAddrPort(d.Addr())}
	r := resolver.New(o)
	t.Cleanup(func() { r.Close() })
	f := &dynamicGroup{DNS: d, resolving: upstream.Resolving{Resolver: r, Timeout: 5 * time.Second}}
	f.group = upstream.NewZoneGroup("u", upstream.Zone{Name: "z"}, fixed, m, []*upstream.DynamicServer{n}, f.resolving)
	f.open(t, f.group, nil)
	return f
}

func (f *dynamicGroup) open(t testing.TB, g *upstream.Group, old stream.Part) {
	t.Helper()
	env, lines := offline.NewEnv(time.Now)
	f.lines = lines
	if err := g.Open(t.Context(), env, old); err != nil {
		t.Fatal(err)
	}
}

// setRecords sets the records of that kind to values, and runs a lookup of the group.
func (f *dynamicGroup) setRecords(t *testing.T, name, kind string, values ...string) {
	t.Helper()
	if err := f.Set(name, kind, 0, values...); err != nil {
		t.Fatal(err)
	}
	f.lookUp(t)
}

func (f *dynamicGroup) lookUp(t *testing.T) time.Time {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return upstream.LookUp(ctx, f.group, 0)
}

// describeEndpoints returns the addresses of the group's peers as text.
func describeEndpoints(g *upstream.Group) string {
	var all []string
	for _, p := range g.Peers() {
		text := fmt.Sprintf("%s as %s*%d", p.Name, p.Server, p.Weight)
		if p.Backup {
			text += " backup"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func checkPeers(t *testing.T, g *upstream.Group, want string) {
	t.Helper()
	if got := describeEndpoints(g); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPeersFollowRecords(t *testing.T) {
	f := newDynamicGroup(t, upstream.RoundRobin, dynamicServer(""))
	checkPeers(t, f.group, "")
	f.setRecords(t, "b.example", "A", "127.0.0.1", "127.0.0.2")
	checkPeers(t, f.group, "127.0.0.1:1883 as b.example:1883*1, 127.0.0.2:1883 as b.example:1883*1")
	stays := f.group.Peers()[1]
	f.setRecords(t, "b.example", "A", "127.0.0.3", "127.0.0.2")
	checkPeers(t, f.group, "127.0.0.2:1883 as b.example:1883*1, 127.0.0.3:1883 as b.example:1883*1")
	if f.group.Peers()[0] != stays {
		t.Error("a peer that stays is another one")
	}
	f.Remove("b.example")
	f.lookUp(t)
	checkPeers(t, f.group, "")
	if got := f.lines.All(); !slices.Equal(got, []string{"[error] b.example could not be resolved (3: Host not found)"}) {
		t.Errorf("got log %q", got)
	}
}

// TestLookupFailureKeepsPeers checks that the known addresses stay when name servers fail, and the
// time of the next lookup.
func TestLookupFailureKeepsPeers(t *testing.T) {
	f := newDynamicGroup(t, upstream.RoundRobin, dynamicServer(""))
	f.setRecords(t, "b.example", "A", "127.0.0.1")
	f.Fail("b.example", 2)
	before := time.Now()
	until := f.lookUp(t)
	checkPeers(t, f.group, "127.0.0.1:1883 as b.example:1883*1")
	if until.Before(before.Add(f.resolving.Timeout)) || until.After(time.Now().Add(f.resolving.Timeout)) {
		t.Errorf("asked again after %v, want %v", time.Until(until), f.resolving.Timeout)
	}
	if got := f.lines.All(); !slices.Equal(got, []string{"[error] b.example could not be resolved (2: Server failure)"}) {
		t.Errorf("got log %q", got)
	}
}

// TestLookupFailureOfOneFamily checks that a failure for one address family removes no address of
// it, and that the other family follows its records.
func TestLookupFailureOfOneFamily(t *testing.T) {
	f := newDynamicGroupWith(t, resolver.Options{}, upstream.RoundRobin, dynamicServer(""))
	if err := f.Set("b.example", "AAAA", 0, "::1"); err != nil {
		t.Fatal(err)
	}
	f.setRecords(t, "b.example", "A", "127.0.0.1", "127.0.0.2")
	f.Fail("b.example A", 2)
	f.setRecords(t, "b.example", "AAAA", "::2")
	checkPeers(t, f.group, "127.0.0.1:1883 as b.example:1883*1, 127.0.0.2:1883 as b.example:1883*1, [::2]:1883 as b.example:1883*1")
	if got := f.lines.All(); !slices.Equal(got, []string{"[error] b.example could not be resolved (2: Server failure)"}) {
		t.Errorf("got log %q", got)
	}
	f.Fail("b.example A", 0)
	f.setRecords(t, "b.example", "A")
	checkPeers(t, f.group, "[::2]:1883 as b.example:1883*1")
}

// TestLookupFailureOfTarget checks that a target of a service keeps its peers and their priority
// when its lookup fails, and loses them when it does not exist.
func TestLookupFailureOfTarget(t *testing.T) {
	f := newDynamicGroup(t, upstream.RoundRobin, dynamicServer("mqtt"))
	for i, name := range []string{"m1.example", "m2.example"} {
		if err := f.Set(name, "A", 0, fmt.Sprintf("127.0.0.%d", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	both := "127.0.0.1:1883 as m1.example*1, 127.0.0.2:1884 as m2.example*1 backup"
	f.setRecords(t, "_mqtt._tcp.b.example", "SRV", "10 1 1883 m1.example", "20 1 1884 m2.example")
	checkPeers(t, f.group, both)
	f.Fail("m1.example", 2)
	f.lookUp(t)
	checkPeers(t, f.group, both)
	f.Fail("m1.example", 3)
	f.lookUp(t)
	checkPeers(t, f.group, "127.0.0.2:1884 as m2.example*1")
}

func TestServiceRecords(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(*upstream.DynamicServer)
		records []string
		want    string
	}{
		{
			"priorities and weights", nil,
			[]string{"20 3 1885 m2.example", "10 7 1883 m1.example", "10 0 1884 m1.example"},
			"127.0.0.1:1883 as m1.example*7, 127.0.0.1:1884 as m1.example*1, 127.0.0.2:1885 as m2.example*3 backup",
		},
		{"weight in the configuration", func(n *upstream.DynamicServer) { n.Template.Weight = 5 }, []string{"10 7 1883 m1.example"}, "127.0.0.1:1883 as m1.example*5"},
		{
			"backup", func(n *upstream.DynamicServer) { n.Template.Backup = true },
			[]string{"10 1 1883 m1.example", "20 1 1883 m2.example"},
			"127.0.0.1:1883 as m1.example*1 backup",
		},
		{"each address", func(n *upstream.DynamicServer) { n.EachAddress = true }, []string{"10 1 1883 m1.example"}, "127.0.0.1:1883 as 127.0.0.1:1883*1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := dynamicServer("mqtt")
			if tt.change != nil {
				tt.change(n)
			}
			f := newDynamicGroup(t, upstream.RoundRobin, n)
			f.Set("m1.example", "A", 0, "127.0.0.1")
			f.Set("m2.example", "A", 0, "127.0.0.2")
			f.setRecords(t, "_mqtt._tcp.b.example", "SRV", tt.records...)
			checkPeers(t, f.group, tt.want)
			before := f.group.Peers()
			f.lookUp(t)
			if !slices.Equal(f.group.Peers(), before) {
				t.Error("the same answer makes other peers")
			}
		})
	}
}

// TestNewWeightMakesNewPeer checks that a change of a service's weight makes a new peer, unless the
// configuration has a weight.
func TestNewWeightMakesNewPeer(t *testing.T) {
	for _, weight := range []int{1, 5} {
		n := dynamicServer("mqtt")
		n.Template.Weight = weight
		f := newDynamicGroup(t, upstream.RoundRobin, n)
		f.Set("m1.example", "A", 0, "127.0.0.1")
		f.setRecords(t, "_mqtt._tcp.b.example", "SRV", "10 1 1883 m1.example")
		before := f.group.Peers()[0]
		f.setRecords(t, "_mqtt._tcp.b.example", "SRV", "10 2 1883 m1.example")
		if same := f.group.Peers()[0] == before; same != (weight != 1) {
			t.Errorf("weight=%d: the same peer is %v", weight, same)
		}
	}
}

// TestEachAddressOnRing compares the clients of a name with those of servers listed in the
// configuration.
func TestEachAddressOnRing(t *testing.T) {
	var addrs []string
	var list []*upstream.PeerConf
	for i := range 5 {
		addr := stream.Addr{IP: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(i + 1)}), 1883)}
		addrs = append(addrs, addr.Host())
		list = append(list, &upstream.PeerConf{Server: addr.String(), Name: addr.String(), Addr: addr, Weight: 1})
	}
	for i := range 100 {
		m := upstream.Consistent(fixed(t, fmt.Sprint("device-", i)))
		n := dynamicServer("")
		n.EachAddress = true
		f := newDynamicGroup(t, m, n)
		f.setRecords(t, "b.example", "A", addrs...)
		bench := upstreamtest.NewBench()
		got, err := f.group.Begin(bench.Session()).Pick()
		want, _ := upstream.NewGroup("u", list, m).Begin(bench.Session()).Pick()
		if err != nil || got.Name != want.Name {
			t.Fatalf("device-%d: got %v, want %s", i, got, want.Name)
		}
	}
}

func TestRingTooHeavy(t *testing.T) {
	f := newDynamicGroup(t, upstream.Consistent(fixed(t, "key")), dynamicServer("mqtt"))
	f.Set("m1.example", "A", 0, "127.0.0.1")
	f.setRecords(t, "_mqtt._tcp.b.example", "SRV", "10 1 1883 m1.example")
	var heavy []string
	for i := range 17 {
		heavy = append(heavy, fmt.Sprintf("10 65535 %d m1.example", 2000+i))
	}
	f.setRecords(t, "_mqtt._tcp.b.example", "SRV", heavy...)
	checkPeers(t, f.group, "127.0.0.1:1883 as m1.example*1")
	if got := f.lines.All(); !slices.Equal(got, []string{`[error] total weight 1114095 exceeds 1000000 for consistent hash in upstream "u"`}) {
		t.Errorf("got log %q", got)
	}
}

// TestRingTooHeavyAfterReload checks that a group does not take over a weight that is
// too large for its new method.
func TestRingTooHeavyAfterReload(t *testing.T) {
	f := newDynamicGroup(t, upstream.RoundRobin, dynamicServer("mqtt"))
	f.Set("m1.example", "A", 0, "127.0.0.1")
	var heavy []string
	for i := range 17 {
		heavy = append(heavy, fmt.Sprintf("10 65535 %d m1.example", 2000+i))
	}
	f.setRecords(t, "_mqtt._tcp.b.example", "SRV", heavy...)
	next := upstream.NewZoneGroup("u", upstream.Zone{Name: "z"}, nil, upstream.Consistent(fixed(t, "key")), []*upstream.DynamicServer{dynamicServer("mqtt")}, f.resolving)
	f.open(t, next, f.group)
	checkPeers(t, next, "")
	if got := f.lines.All(); !slices.Equal(got, []string{`[error] total weight 1114095 exceeds 1000000 for consistent hash in upstream "u"`}) {
		t.Errorf("got log %q", got)
	}
}

// BenchmarkFollow processes an answer of 1,000 addresses in another order each time, one of which
// is new.
func BenchmarkFollow(b *testing.B) {
	f := newDynamicGroup(b, upstream.RoundRobin, dynamicServer(""))
	var addrs []string
	for i := range 1000 {
		addrs = append(addrs, fmt.Sprintf("127.0.%d.%d", i/250, 1+i%250))
	}
	for i := 0; b.Loop(); i++ {
		addrs[0] = fmt.Sprintf("127.1.%d.%d", i/250%250, 1+i%250)
		slices.Reverse(addrs[1:])
		upstream.Update(f.group, addrs)
	}
}

// TestReloadKeepsAddresses checks that no server is missing after a reload, even if no name server
// answers.
func TestReloadKeepsAddresses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*upstream.DynamicServer)
		want   string
	}{
		{"unchanged", func(*upstream.DynamicServer) {}, "127.0.0.1:1883 as b.example:1883*1"},
		{"other port and weight", func(n *upstream.DynamicServer) { n.Port, n.Template.Weight = 1884, 3 }, "127.0.0.1:1884 as b.example:1883*3"},
		{"other name", func(n *upstream.DynamicServer) { n.Host = "c.example" }, ""},
		{"service added", func(n *upstream.DynamicServer) { n.Service = "mqtt" }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newDynamicGroup(t, upstream.RoundRobin, dynamicServer(""))
			f.setRecords(t, "b.example", "A", "127.0.0.1")
			f.Silence("", true)
			n := dynamicServer("")
			tt.change(n)
			next := upstream.NewZoneGroup("u", upstream.Zone{Name: "z"}, nil, upstream.RoundRobin, []*upstream.DynamicServer{n}, f.resolving)
			f.open(t, next, f.group)
			checkPeers(t, next, tt.want)
			if len(next.Peers()) > 0 && next.Peers()[0] == f.group.Peers()[0] {
				t.Error("the peer is shared with the old configuration")
			}
		})
	}
}

func TestRunLooksUpAtStartAndEnds(t *testing.T) {
	f := newDynamicGroup(t, upstream.RoundRobin, dynamicServer(""))
	f.Set("b.example", "A", 300, "127.0.0.1")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { f.group.Run(ctx); close(done) }()
	testwait.Eventually(t, "the first answer", func() bool { return len(f.group.Peers()) > 0 })
	checkPeers(t, f.group, "127.0.0.1:1883 as b.example:1883*1")
	cancel()
	<-done
}

// TestEndDuringLookupIsNoFailure checks that a configuration that ends while it waits for the
// targets of a service logs nothing about them.
func TestEndDuringLookupIsNoFailure(t *testing.T) {
	f := newDynamicGroup(t, upstream.RoundRobin, dynamicServer("mqtt"))
	f.Set("_mqtt._tcp.b.example", "SRV", 0, "10 1 1883 m1.example")
	f.Silence("m1.example", true)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { f.group.Run(ctx); close(done) }()
	testwait.Eventually(t, "the question", func() bool { return f.Asked("m1.example", "A") > 0 })
	cancel()
	<-done
	if got := f.lines.All(); len(got) > 0 {
		t.Errorf("got log %q, want none", got)
	}
}

// changesUnder returns how often the set of servers changes during
// TestSessionsWhileServersChange: often for one method, because all methods share this code.
func changesUnder(m upstream.Method) int {
	if m == upstream.RoundRobin && !testing.Short() {
		return 1000
	}
	return 50
}

// TestSessionsWhileServersChange changes the set of servers while sessions choose: no session
// finds the group empty, and each session that a server refused gets another one.
func TestSessionsWhileServersChange(t *testing.T) {
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) {
			method, n := m.make(fixed(t, "client")), dynamicServer("")
			n.Template.MaxFails = 0
			f := newDynamicGroup(t, method, n)
			f.setRecords(t, "b.example", "A", "127.0.0.1", "127.0.0.2", "127.0.0.3")
			stop, failures := make(chan struct{}), make(chan error, 2)
			var sessions sync.WaitGroup
			for range 2 {
				bench := upstreamtest.NewBench()
				sessions.Go(func() { failures <- chooseUntil(stop, f.group, bench) })
			}
			for i := range changesUnder(method) {
				f.setRecords(t, "b.example", "A", fmt.Sprintf("127.0.1.%d", i%250), fmt.Sprintf("127.0.2.%d", i%200), fmt.Sprintf("127.0.3.%d", i%3))
			}
			close(stop)
			sessions.Wait()
			close(failures)
			for err := range failures {
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// chooseUntil runs sessions one after another that choose, are refused, and choose again, until
// stop.
func chooseUntil(stop chan struct{}, g *upstream.Group, bench *upstreamtest.Bench) error {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return nil
		default:
		}
		p := g.Begin(bench.Session())
		first, err := p.Pick()
		if err != nil {
			return fmt.Errorf("session %d: %w", n, err)
		}
		p.Free(first, upstream.Failed, &stream.Try{})
		second, err := p.Pick()
		if err != nil {
			return fmt.Errorf("session %d after %s: %w", n, first.Name, err)
		}
		if second == first {
			return fmt.Errorf("session %d gets %s twice", n, first.Name)
		}
		p.Free(second, upstream.Succeeded, &stream.Try{})
	}
}
