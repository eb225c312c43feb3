package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/resolver"
	"weir/internal/testwait"
	"weir/stream"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// address returns a change with a literal address: 10.0.0.N:1883.
func address(n int) upstream.Change {
	addr := stream.Addr{IP: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 1883)}
	return upstream.Change{Server: &upstream.Target{Text: addr.String(), Addr: addr, Host: addr.Host(), Port: 1883}}
}

// name returns a change with a name.
func name(host string, port uint16) upstream.Change {
	t := &upstream.Target{Text: fmt.Sprintf("%s:%d", host, port), Host: host, Port: port, IsName: true}
	if port == 0 {
		t.Text, t.NoPort = host, true
	}
	return upstream.Change{Server: t}
}

func service(c upstream.Change, name string) upstream.Change {
	c.Service = &name
	return c
}

func with(c upstream.Change, change func(c *upstream.Change)) upstream.Change {
	change(&c)
	return c
}

func weight(n int) func(*upstream.Change) { return func(c *upstream.Change) { c.Weight = &n } }
func backup(b bool) func(*upstream.Change) {
	return func(c *upstream.Change) { c.Backup = &b }
}

func mustAdd(t testing.TB, g *upstream.Group, c upstream.Change) upstream.ServerInfo {
	t.Helper()
	s, err := g.Add(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkEdit checks the error of an edit: "STATUS CODE TEXT", or empty for none.
func checkEdit(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	if refused, ok := errors.AsType[*upstream.EditError](err); ok {
		got = fmt.Sprintf("%d %s %s", refused.Status, refused.Code, refused.Text)
	} else if err != nil {
		got = "no EditError: " + err.Error()
	}
	if got != want {
		t.Errorf("got error %q, want %q", got, want)
	}
}

// listServers returns the servers of the group, "ID:SERVER ID:SERVER".
func listServers(g *upstream.Group) string {
	var all []string
	for _, s := range g.Servers() {
		text := fmt.Sprintf("%d:%s", s.ID, s.Server)
		if s.IsChild {
			text += fmt.Sprintf("<%d:%s", s.Parent, s.Host)
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

func checkServers(t *testing.T, g *upstream.Group, want string) {
	t.Helper()
	if got := listServers(g); got != want {
		t.Errorf("got servers %s, want %s", got, want)
	}
}

// TestEdit checks the IDs and the order of servers, and that an edit applies to the next session.
func TestEdit(t *testing.T) {
	bench := upstreamtest.NewBench()
	g := upstream.NewZoneGroup("u", zone, nil, upstream.RoundRobin, nil, upstream.Resolving{})
	first := mustAdd(t, g, address(1))
	want := upstream.ServerInfo{
		ID: 0, Server: "10.0.0.1:1883", Weight: 1, MaxFails: 1,
		FailTimeout: upstream.Span{Text: "10s", Length: 10 * time.Second}, SlowStart: upstream.Span{Text: "0s"},
	}
	if first != want {
		t.Errorf("got %+v, want %+v", first, want)
	}
	mustAdd(t, g, address(2))
	if _, err := g.Remove(1); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, g, with(address(2), weight(3)))
	checkServers(t, g, "0:10.0.0.1:1883 2:10.0.0.2:1883")
	got := picks(t, bench, g, 4)
	slices.Sort(got)
	if want := []string{"10.0.0.1:1883", "10.0.0.2:1883", "10.0.0.2:1883", "10.0.0.2:1883"}; !slices.Equal(got, want) {
		t.Errorf("got servers %v, want %v", got, want)
	}
	changed, err := g.Patch(0, upstream.Change{Down: new(true), SlowStart: &upstream.Span{Text: "1m", Length: time.Minute}})
	if err != nil || !changed.Down || changed.SlowStart.Text != "1m" || changed.Weight != 1 {
		t.Errorf("got %+v and error %v", changed, err)
	}
	if got := picks(t, bench, g, 2); got[0] != "10.0.0.2:1883" || got[1] != "10.0.0.2:1883" {
		t.Errorf("got servers %v while the other one is down", got)
	}
	if left, err := g.Remove(2); err != nil || len(left) != 1 || left[0] != changed {
		t.Errorf("got %+v and error %v, want the server that remains", left, err)
	}
	if got, err := g.Server(0); err != nil || got != changed {
		t.Errorf("got %+v and error %v", got, err)
	}
}

// TestEditErrors checks every error of an edit, and that a refused edit changes nothing.
func TestEditErrors(t *testing.T) {
	const exists, noServer = "409 EntryExists entry exists", `404 UpstreamServerNotFound server with ID "9" does not exist`
	none := upstream.Change{}
	tests := []struct {
		name   string
		method upstream.Method
		edit   func(g *upstream.Group) error
		want   string
	}{
		{"no server", nil, add(none), `400 UpstreamConfFormatError missing "server" argument`},
		{"no port", nil, add(name("h", 0)), `400 UpstreamBadAddress no port in server "h"`},
		{"service with a port", nil, add(service(name("h", 1), "s")), `400 UpstreamBadAddress service upstream "h" may not have port`},
		{"service of an address", nil, add(service(withoutPort(address(1)), "s")), `400 UpstreamBadAddress service upstream "10.0.0.1" requires domain name`},
		{"name without a resolver", nil, add(name("h", 1)), "400 UpstreamConfNoResolver no resolver defined to resolve"},
		{"the same address", nil, add(address(5)), exists},
		{"the same address as a backup", nil, add(with(address(5), backup(true))), exists},
		{"backup with hash", upstream.Hash(stream.Template{}), add(with(address(1), backup(true))), `400 UpstreamNoBackup upstream "u" has no backup`},
		{"slow_start with hash", upstream.Jump(stream.Template{}), add(with(address(1), slowly)), `400 UpstreamBadSlowStart invalid "slow_start"`},
		{"too much weight", upstream.Consistent(stream.Template{}), add(with(address(1), weight(1_000_000))), `400 UpstreamBadWeight invalid "weight"`},
		{"more weight", upstream.Consistent(stream.Template{}), patch(0, with(none, weight(1_000_000))), `400 UpstreamBadWeight invalid "weight"`},
		{"as much weight as possible", upstream.Jump(stream.Template{}), patch(0, with(none, weight(math.MaxInt32-1))), ""},
		{"patch of a missing server", nil, patch(9, none), noServer},
		{"removal of a missing server", nil, remove(9), noServer},
		{"another backup", nil, patch(0, with(none, backup(true))), `400 UpstreamConfFormatError invalid "backup" value`},
		{"the same backup", nil, patch(0, with(none, backup(false))), ""},
		{"another service", nil, patch(0, service(none, "s")), `400 UpstreamConfFormatError invalid "service" value`},
		{"address of another server", nil, patch(0, address(6)), exists},
		{"its own address", nil, patch(0, address(5)), ""},
		{"another address", nil, patch(0, address(7)), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := tt.method
			if m == nil {
				m = upstream.RoundRobin
			}
			g := upstream.NewZoneGroup("u", zone, nil, m, nil, upstream.Resolving{})
			mustAdd(t, g, address(5))
			mustAdd(t, g, address(6))
			before := fmt.Sprint(g.Servers())
			checkEdit(t, tt.edit(g), tt.want)
			if tt.want != "" && fmt.Sprint(g.Servers()) != before {
				t.Errorf("got %v after a refused edit, want %s", g.Servers(), before)
			}
		})
	}
	static := upstream.NewGroup("u", servers("a"), upstream.RoundRobin)
	for _, edit := range []func(*upstream.Group) error{add(address(1)), patch(0, none), remove(0)} {
		checkEdit(t, edit(static), "400 UpstreamStatic upstream is static")
	}
}

func add(c upstream.Change) func(*upstream.Group) error {
	return func(g *upstream.Group) error { _, err := g.Add(c); return err }
}

func patch(id int, c upstream.Change) func(*upstream.Group) error {
	return func(g *upstream.Group) error { _, err := g.Patch(id, c); return err }
}

func remove(id int) func(*upstream.Group) error {
	return func(g *upstream.Group) error { _, err := g.Remove(id); return err }
}

func slowly(c *upstream.Change) { c.SlowStart = &upstream.Span{Text: "1s", Length: time.Second} }

func withoutPort(c upstream.Change) upstream.Change {
	t := *c.Server
	t.NoPort = true
	c.Server = &t
	return c
}

// TestZoneIsFull checks that a zone has room for a limited number of servers.
func TestZoneIsFull(t *testing.T) {
	g := upstream.NewZoneGroup("u", upstream.Zone{Name: "z", Size: 32 << 10}, nil, upstream.RoundRobin, nil, upstream.Resolving{})
	for n := range 32 {
		mustAdd(t, g, address(n))
	}
	_, err := g.Add(address(99))
	checkEdit(t, err, `400 UpstreamOutOfMemory upstream "u" memory exhausted`)
	if _, err := g.Remove(7); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, g, address(99))
}

// TestZombies counts the servers that have left and still have sessions.
func TestZombies(t *testing.T) {
	bench := upstreamtest.NewBench()
	g := upstream.NewZoneGroup("u", zone, nil, upstream.RoundRobin, nil, upstream.Resolving{})
	mustAdd(t, g, address(1))
	p := g.Begin(bench.Session())
	peer, err := p.Pick()
	if err != nil {
		t.Fatal(err)
	}
	mustAdd(t, g, address(2))
	for id := range 2 {
		if _, err := g.Remove(id); err != nil {
			t.Fatal(err)
		}
	}
	if s := g.Snapshot(); s.Zombies != 1 || len(s.Peers) != 0 || !peer.Left().Load() {
		t.Errorf("got %+v, the flag is %v", s, peer.Left().Load())
	}
	mustAdd(t, g, address(1))
	if s := g.Snapshot(); s.Zombies != 0 || s.Peers[0].Active != 1 || s.Peers[0].Connections != 0 || s.Peers[0].ID != 2 {
		t.Errorf("got %+v after the server has returned", s)
	}
	p.Free(peer, upstream.Succeeded, &stream.Try{})
	if s := g.Snapshot(); s.Peers[0].Active != 0 {
		t.Errorf("got %+v after the session has ended", s)
	}
}

// TestEditNames checks the rules for a name and its addresses.
func TestEditNames(t *testing.T) {
	f := newDynamicGroup(t, upstream.RoundRobin, dynamicServer(""))
	f.setRecords(t, "b.example", "A", "127.0.0.1", "127.0.0.2")
	checkServers(t, f.group, "0:b.example:1883 1:127.0.0.1:1883<0:b.example 2:127.0.0.2:1883<0:b.example")
	none := upstream.Change{}
	for _, tt := range []struct {
		edit func(*upstream.Group) error
		want string
	}{
		{add(name("B.example", 1883)), "409 EntryExists entry exists"},
		{remove(1), `400 UpstreamServerImmutable server "1" not removable`},
		{patch(1, address(1)), `400 UpstreamServerImmutable server "1" address is immutable`},
		{patch(1, upstream.Change{Server: &upstream.Target{Text: "127.0.0.1:1883"}}), ""},
		{patch(1, with(none, backup(true))), `400 UpstreamConfFormatError invalid "backup" value`},
		{patch(1, service(none, "x")), `400 UpstreamConfFormatError invalid "service" value`},
		{patch(1, with(none, weight(4))), ""},
		{patch(2, upstream.Change{Down: new(true)}), ""},
	} {
		checkEdit(t, tt.edit(f.group), tt.want)
	}
	f.setRecords(t, "b.example", "A", "127.0.0.2", "127.0.0.1", "127.0.0.3")
	checkPeers(t, f.group, "127.0.0.1:1883 as b.example:1883*4, 127.0.0.2:1883 as b.example:1883*1, 127.0.0.3:1883 as b.example:1883*1")
	if got := f.group.Peers()[1]; !got.Down {
		t.Error("an address that was down is not down after another lookup")
	}
	checkEdit(t, patch(0, with(none, weight(2)))(f.group), "")
	checkPeers(t, f.group, "127.0.0.1:1883 as b.example:1883*2, 127.0.0.2:1883 as b.example:1883*2, 127.0.0.3:1883 as b.example:1883*2")
	checkEdit(t, remove(0)(f.group), "")
	checkServers(t, f.group, "")
}

// TestEditServices checks that SRV records determine the weight of their addresses.
func TestEditServices(t *testing.T) {
	f := newDynamicGroup(t, upstream.RoundRobin, dynamicServer("mqtt"))
	if err := f.Set("x.example", "A", 0, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	f.setRecords(t, "_mqtt._tcp.b.example", "SRV", "0 5 1883 x.example")
	checkEdit(t, patch(1, with(upstream.Change{}, weight(4)))(f.group), `400 UpstreamServerWeightImmutable server "1" weight is immutable`)
	checkEdit(t, patch(1, with(upstream.Change{}, weight(5)))(f.group), "")
	checkEdit(t, patch(0, service(with(upstream.Change{}, weight(1)), "mqtt"))(f.group), "")
	if got := f.group.Servers(); got[0].Service != "mqtt" || got[1].Weight != 5 || got[1].Service != "mqtt" {
		t.Errorf("got %+v", got)
	}
}

// TestAddedNameIsFollowed checks that the addresses of a name that was added appear while the group
// runs, and disappear with the name or when it changes.
func TestAddedNameIsFollowed(t *testing.T) {
	f := newDynamicGroupWith(t, resolver.Options{NoAAAA: true}, upstream.RoundRobin, dynamicServer(""))
	for host, ip := range map[string]string{"c.example": "127.0.0.3", "d.example": "127.0.0.4"} {
		if err := f.Set(host, "A", 60, ip); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { f.group.Run(ctx); close(done) }()
	added := mustAdd(t, f.group, name("c.example", 1884))
	if added.ID != 1 {
		t.Errorf("got ID %d", added.ID)
	}
	awaitServers(t, f.group, "0:b.example:1883 1:c.example:1884 2:127.0.0.3:1884<1:c.example")
	checkEdit(t, patch(1, name("d.example", 1885))(f.group), "")
	awaitServers(t, f.group, "0:b.example:1883 1:d.example:1885 3:127.0.0.4:1885<1:d.example")
	checkEdit(t, remove(1)(f.group), "")
	checkServers(t, f.group, "0:b.example:1883")
	cancel()
	<-done
	if _, err := f.group.Add(name("c.example", 1884)); err != nil {
		t.Errorf("a name cannot be added after the group has ended: %v", err)
	}
}

// TestNamesLeaveNothing adds and removes names while the group runs, and checks that their lookups end.
func TestNamesLeaveNothing(t *testing.T) {
	f := newDynamicGroup(t, upstream.RoundRobin, dynamicServer(""))
	if err := f.Set("c.example", "A", 60, "127.0.0.3"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { f.group.Run(ctx); close(done) }()
	testwait.Eventually(t, "the first lookup", func() bool { return f.Asked("b.example", "A") > 0 })
	before := runtime.NumGoroutine()
	for range 100 {
		added := mustAdd(t, f.group, name("c.example", 1884))
		checkEdit(t, remove(added.ID)(f.group), "")
	}
	testwait.Eventually(t, "the lookups end", func() bool { return runtime.NumGoroutine() <= before })
	checkServers(t, f.group, "0:b.example:1883")
	checkPeers(t, f.group, "")
	cancel()
	<-done
}

func awaitServers(t *testing.T, g *upstream.Group, want string) {
	t.Helper()
	testwait.Eventually(t, "servers "+want, func() bool { return listServers(g) == want })
}
