package resolver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/conformance/peers"
	"weir/internal/testwait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start returns a name server and a resolver that asks it.
func start(t *testing.T, change func(*Options)) (*peers.DNS, *Resolver) {
	t.Helper()
	d, err := peers.StartDNS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	o := Options{Servers: []netip.AddrPort{netip.MustParseAddrPort(d.Addr())}}
	if change != nil {
		change(&o)
	}
	r := New(o)
	r.resend = 100 * time.Millisecond
	t.Cleanup(func() { r.Close() })
	return d, r
}

func set(t *testing.T, d *peers.DNS, name, kind string, ttl uint32, values ...string) {
	t.Helper()
	if err := d.Set(name, kind, ttl, values...); err != nil {
		t.Fatal(err)
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// lookup returns the answer as text.
func lookup(t *testing.T, r *Resolver, name string) string {
	t.Helper()
	a, err := r.Lookup(within(t, testwait.Patience), name)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(a.Addrs)
}

func TestLookup(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, d *peers.DNS)
		options func(*Options)
		ask     string
		want    string
	}{
		{"both families", both, nil, "b.example", "[127.0.0.1 127.0.0.2 ::1]"},
		{"letter case and dot", both, nil, "B.Example.", "[127.0.0.1 127.0.0.2 ::1]"},
		{"no IPv6", both, func(o *Options) { o.NoAAAA = true }, "b.example", "[127.0.0.1 127.0.0.2]"},
		{"no IPv4", both, func(o *Options) { o.NoA = true }, "b.example", "[::1]"},
		{"one family is not there", func(t *testing.T, d *peers.DNS) { set(t, d, "b.example", "AAAA", 60, "::1") }, nil, "b.example", "[::1]"},
		{"no such name", nothing, nil, "b.example", "3: Host not found"},
		{"no address", func(t *testing.T, d *peers.DNS) { set(t, d, "b.example", "A", 60) }, nil, "b.example", "3: Host not found"},
		{"no name at all", nothing, nil, "", "3: Host not found"},
		{"two dots", nothing, nil, "b..example", "3: Host not found"},
		{"server failure", func(_ *testing.T, d *peers.DNS) { d.Fail("b.example", 2) }, nil, "b.example", "2: Server failure"},
		{"unknown failure", func(_ *testing.T, d *peers.DNS) { d.Fail("b.example", 9) }, nil, "b.example", "1: Format error"},
		{"aliases", func(t *testing.T, d *peers.DNS) { chain(t, d, 5) }, nil, "n0.example", "[127.0.0.9]"},
		{"aliases beyond one answer", func(t *testing.T, d *peers.DNS) { chain(t, d, 40) }, nil, "n0.example", "[127.0.0.9]"},
		{"aliases without end", func(t *testing.T, d *peers.DNS) { chain(t, d, 1000) }, nil, "n0.example", "3: Host not found"},
		{"alias of itself", func(t *testing.T, d *peers.DNS) { set(t, d, "b.example", "CNAME", 60, "b.example") }, nil, "b.example", "3: Host not found"},
		{"forged answers", func(t *testing.T, d *peers.DNS) { both(t, d); d.Forge(true) }, nil, "b.example", "[127.0.0.1 127.0.0.2 ::1]"},
		{"truncated answers", func(t *testing.T, d *peers.DNS) { both(t, d); d.Truncate(true) }, nil, "b.example", "[127.0.0.1 127.0.0.2 ::1]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, r := start(t, tt.options)
			tt.prepare(t, d)
			if got := lookup(t, r, tt.ask); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func nothing(*testing.T, *peers.DNS) {}

func both(t *testing.T, d *peers.DNS) {
	t.Helper()
	set(t, d, "b.example", "A", 60, "127.0.0.1", "127.0.0.2")
	set(t, d, "b.example", "AAAA", 60, "::1")
}

// chain makes n0.example the start of a chain of n aliases that ends at an address.
func chain(t *testing.T, d *peers.DNS, n int) {
	t.Helper()
	for i := range n {
		set(t, d, fmt.Sprintf("n%d.example", i), "CNAME", 60, fmt.Sprintf("n%d.example", i+1))
	}
	set(t, d, fmt.Sprintf("n%d.example", n), "A", 60, "127.0.0.9")
}

func TestAnswersAreKept(t *testing.T) {
	d, r := start(t, nil)
	both(t, d)
	r.resend = testwait.Patience // which the lookup must not need
	for range 3 {
		lookup(t, r, "b.example")
	}
	if n := d.Asked("b.example", "A"); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
	a, ok := r.Cached("B.example")
	if left := time.Until(a.Until); !ok || left < 30*time.Second || left > 60*time.Second {
		t.Errorf("got %v, good for %v; want a minute", ok, left)
	}
}

// TestKeptAnswersBeginByChance checks that sessions do not all prefer the same address.
func TestKeptAnswersBeginByChance(t *testing.T) {
	d, r := start(t, nil)
	both(t, d)
	lookup(t, r, "b.example")
	first := map[string]bool{}
	for range 200 {
		a, _ := r.Cached("b.example")
		if len(a.Addrs) != 3 {
			t.Fatalf("got %v", a.Addrs)
		}
		first[a.Addrs[0].String()] = true
	}
	if len(first) != 3 {
		t.Errorf("only %v come first", first)
	}
}

func TestHowLongAnswersAreGood(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, d *peers.DNS)
		valid   time.Duration
		want    time.Duration
	}{
		{"the least time to live", func(t *testing.T, d *peers.DNS) {
			set(t, d, "b.example", "A", 60, "127.0.0.1")
			set(t, d, "b.example", "AAAA", 20, "::1")
		}, 0, 20 * time.Second},
		{"that of an alias", func(t *testing.T, d *peers.DNS) {
			set(t, d, "b.example", "CNAME", 30, "c.example")
			set(t, d, "c.example", "A", 60, "127.0.0.1")
		}, 0, 30 * time.Second},
		{"valid=", both, time.Hour, time.Hour},
		{"zero", func(t *testing.T, d *peers.DNS) { set(t, d, "b.example", "A", 0, "127.0.0.1") }, 0, 0},
		{"of more than 31 bits", func(t *testing.T, d *peers.DNS) { set(t, d, "b.example", "A", 1<<31, "127.0.0.1") }, 0, 0},
		{"no such name", nothing, 0, 10 * time.Second},
		{"no such name, valid=", nothing, time.Minute, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, r := start(t, func(o *Options) { o.Valid = tt.valid })
			tt.prepare(t, d)
			before := time.Now()
			a, _ := r.Lookup(within(t, testwait.Patience), "b.example")
			if a.Until.Before(before.Add(tt.want)) || a.Until.After(time.Now().Add(tt.want)) {
				t.Errorf("good for %v, want %v", time.Until(a.Until), tt.want)
			}
		})
	}
}

// TestServersInTurn checks that a dead name server costs one resend, and that the other one
// answers.
func TestServersInTurn(t *testing.T) {
	dead, r := start(t, nil)
	r.turn.Store(1<<32 - 2) // the counter wraps around
	r.resend = time.Second  // in which the other server answers
	alive, _ := start(t, nil)
	dead.Silence("", true)
	both(t, alive)
	r.options.Servers = append(r.options.Servers, netip.MustParseAddrPort(alive.Addr()))
	if got := lookup(t, r, "b.example"); got != "[127.0.0.1 127.0.0.2 ::1]" {
		t.Errorf("got %s", got)
	}
	if dead.Asked("b.example", "A") != 1 || alive.Asked("b.example", "A") != 1 {
		t.Errorf("asked %d and %d times, want each once", dead.Asked("b.example", "A"), alive.Asked("b.example", "A"))
	}
}

func TestNoAnswerInTime(t *testing.T) {
	d, r := start(t, nil)
	d.Silence("", true)
	_, err := r.Lookup(within(t, 50*time.Millisecond), "b.example")
	if !errors.Is(err, ErrTimedOut) || err.Error() != "110: Operation timed out" {
		t.Errorf("got %v", err)
	}
}

// TestQuestionsAreShared asks for one name many times while no server answers.
func TestQuestionsAreShared(t *testing.T) {
	d, r := start(t, nil)
	d.Silence("b.example", true)
	both(t, d)
	const n = 100
	var answers sync.WaitGroup
	answers.Add(n)
	queries := make([]*Query, n)
	for i := range queries {
		queries[i] = r.Query("b.example")
		defer queries[i].Begin(answers.Done)()
	}
	d.Silence("b.example", false)
	answers.Wait()
	for _, q := range queries {
		if a, err := q.Answer(); err != nil || len(a.Addrs) != 3 {
			t.Fatalf("got %v, %v", a, err)
		}
	}
	if got := d.Asked("b.example", "A"); got > n/2 { // once more after each resend
		t.Errorf("asked %d times for %d sessions", got, n)
	}
}

// TestStop checks that answered is not called after stop, and that a question without queries ends.
func TestStop(t *testing.T) {
	d, r := start(t, nil)
	both(t, d)
	var stopped atomic.Bool
	for range 200 {
		q := r.Query("b.example")
		stopped.Store(false)
		stop := q.Begin(func() {
			if stopped.Load() {
				t.Error("told after stop")
			}
		})
		stop()
		stopped.Store(true)
		r.mu.Lock()
		clear(r.cache)
		r.mu.Unlock()
	}
	if n := len(r.flights); n != 0 {
		t.Errorf("%d questions continue", n)
	}
}

// TestManyNamesAtOnce checks that the number of concurrent lookups is limited, and that all get
// their answers nevertheless.
func TestManyNamesAtOnce(t *testing.T) {
	d, r := start(t, func(o *Options) { o.NoAAAA = true })
	d.Silence("", true)
	const n = 3 * maxFlights
	var answers sync.WaitGroup
	answers.Add(n)
	for i := range n {
		name := fmt.Sprintf("n%d.example", i)
		set(t, d, name, "A", 60, "127.0.0.1")
		defer r.Query(name).Begin(answers.Done)()
	}
	r.mu.Lock()
	if r.active != maxFlights || len(r.waiting) != n-maxFlights {
		t.Errorf("%d under way and %d waiting, want %d and %d", r.active, len(r.waiting), maxFlights, n-maxFlights)
	}
	r.mu.Unlock()
	d.Silence("", false)
	answers.Wait()
}

// TestSessionsDoNotHoldUpGroups checks that a group's lookup begins at once, even if sessions wait
// for many names, including the same one.
func TestSessionsDoNotHoldUpGroups(t *testing.T) {
	d, r := start(t, func(o *Options) { o.NoAAAA = true })
	const n = 2 * maxFlights
	last := fmt.Sprintf("n%d.example", n-1)
	set(t, d, "b.example", "A", 60, "127.0.0.1")
	set(t, d, last, "A", 60, "127.0.0.2")
	for i := range n {
		name := fmt.Sprintf("n%d.example", i)
		d.Silence(name, name != last)
		defer r.Query(name).Begin(func() {})()
	}
	for name, want := range map[string]string{"b.example": "[127.0.0.1]", last: "[127.0.0.2]"} {
		if got := lookup(t, r, name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	r := New(Options{})
	for i := range maxCached + 100 {
		r.keep(fmt.Sprint(i), Answer{Addrs: []netip.Addr{netip.IPv6Loopback()}, Until: time.Now().Add(time.Duration(i%3) * time.Minute)})
	}
	if n := len(r.cache); n > maxCached {
		t.Errorf("%d names are kept, want %d at most", n, maxCached)
	}
}

func TestCloseEndsQuestions(t *testing.T) {
	d, r := start(t, nil)
	d.Silence("", true)
	for i := range 10 {
		r.Query(fmt.Sprintf("n%d.example", i)).Begin(func() {})
	}
	r.Close() // TestMain detects leftovers
}

func TestServiceName(t *testing.T) {
	for _, tt := range []struct{ service, want string }{
		{"mqtt", "_mqtt._tcp.b.example"}, {"_mqtt._tcp", "_mqtt._tcp.b.example"}, {"server1.backend", "server1.backend.b.example"},
	} {
		if got := ServiceName(tt.service, "b.example"); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.service, got, tt.want)
		}
	}
}

func TestLookupService(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, d *peers.DNS)
		want    []string
		failed  []TargetError
		err     error
	}{
		{"priorities and weights", func(t *testing.T, d *peers.DNS) {
			set(t, d, "_mqtt._tcp.b.example", "SRV", 60, "20 5 1885 m2.example", "10 7 1884 m1.example", "10 0 1883 M1.example")
		}, []string{"m1.example 127.0.0.1:1884 10 7", "m1.example 127.0.0.1:1883 10 0", "m2.example 127.0.0.2:1885 20 5"}, nil, nil},
		{"an alias of the service", func(t *testing.T, d *peers.DNS) {
			set(t, d, "_mqtt._tcp.b.example", "CNAME", 60, "_mqtt._tcp.c.example")
			set(t, d, "_mqtt._tcp.c.example", "SRV", 60, "1 1 1883 m1.example")
		}, []string{"m1.example 127.0.0.1:1883 1 1"}, nil, nil},
		{"a target that does not exist", func(t *testing.T, d *peers.DNS) {
			set(t, d, "_mqtt._tcp.b.example", "SRV", 60, "1 1 1883 m1.example", "1 1 1883 m9.example")
		}, []string{"m1.example 127.0.0.1:1883 1 1"}, []TargetError{{"m9.example", 1, ErrNotFound, true, true}}, nil},
		{"no target has an address", func(t *testing.T, d *peers.DNS) {
			set(t, d, "_mqtt._tcp.b.example", "SRV", 60, "1 1 1883 m8.example", "1 1 1883 m9.example")
			d.Fail("m8.example", 2)
		}, nil, []TargetError{{"m8.example", 1, ServerFailure, true, true}, {"m9.example", 1, ErrNotFound, true, true}}, ErrNotFound},
		{"no such service", nothing, nil, nil, ErrNotFound},
		{"server failure", func(_ *testing.T, d *peers.DNS) { d.Fail("_mqtt._tcp.b.example", 2) }, nil, nil, ServerFailure},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, r := start(t, func(o *Options) { o.NoAAAA = true })
			set(t, d, "m1.example", "A", 30, "127.0.0.1")
			set(t, d, "m2.example", "A", 60, "127.0.0.2")
			tt.prepare(t, d)
			s, err := r.LookupService(within(t, testwait.Patience), "mqtt", "b.example")
			var got []string
			for _, i := range s.Instances {
				got = append(got, fmt.Sprintf("%s %s %d %d", i.Target, i.Addr, i.Priority, i.Weight))
			}
			if !errors.Is(err, tt.err) || !slices.Equal(got, tt.want) || !slices.Equal(s.Failed, tt.failed) {
				t.Errorf("got %q, %v, %v\nwant %q, %v, %v", got, s.Failed, err, tt.want, tt.failed, tt.err)
			}
		})
	}
}

// TestInstancesAreBounded asks for a service of many targets with many addresses each.
func TestInstancesAreBounded(t *testing.T) {
	d, r := start(t, func(o *Options) { o.NoAAAA = true })
	var records, addrs []string
	for i := range 100 {
		records = append(records, fmt.Sprintf("1 1 %d m1.example", 2000+i))
	}
	for i := range 200 {
		addrs = append(addrs, fmt.Sprintf("127.0.1.%d", i+1))
	}
	set(t, d, "_mqtt._tcp.b.example", "SRV", 60, records...)
	set(t, d, "m1.example", "A", 60, addrs...)
	s, err := r.LookupService(within(t, testwait.Patience), "mqtt", "b.example")
	if err != nil || len(s.Instances) != MaxAddresses {
		t.Errorf("got %d instances, %v, want %d", len(s.Instances), err, MaxAddresses)
	}
}

// BenchmarkKeep measures an answer when the cache is full and no entry has expired.
func BenchmarkKeep(b *testing.B) {
	r := New(Options{})
	names := make([]string, 2*maxCached)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	a := Answer{Addrs: []netip.Addr{netip.IPv6Loopback()}, Until: time.Now().Add(time.Hour)}
	for i := 0; b.Loop(); i++ {
		r.keep(names[i%len(names)], a)
	}
}
