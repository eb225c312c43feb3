package resolver

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"weir/conformance/peers"
	"weir/internal/testwait"
)

// TestOneBadServer asks two name servers, the first of which fails in some way. The other one must
// be asked at once: a resend would take longer than the test.
func TestOneBadServer(t *testing.T) {
	for _, tt := range []struct {
		name string
		bad  func(d *peers.DNS)
		want string
	}{
		{"refuses", func(d *peers.DNS) { d.Fail("b.example", 5) }, "[127.0.0.1 127.0.0.2 ::1]"},
		{"fails", func(d *peers.DNS) { d.Fail("b.example", 2) }, "[127.0.0.1 127.0.0.2 ::1]"},
		{"does not implement A", func(d *peers.DNS) { d.Fail("b.example A", 4); d.Set("b.example", "AAAA", 60, "::1") }, "[127.0.0.1 127.0.0.2 ::1]"},
		{"does not understand", func(d *peers.DNS) { d.Fail("b.example", 1) }, "[127.0.0.1 127.0.0.2 ::1]"},
		{"is lame", func(d *peers.DNS) { d.Set("b.example", "SRV", 60); d.Lame(true) }, "[127.0.0.1 127.0.0.2 ::1]"},
		{"has no TCP for what it cuts off", func(d *peers.DNS) { d.Truncate(true); d.CloseTCP() }, "[127.0.0.1 127.0.0.2 ::1]"},
		{"fails one family, and is silent about the other", func(d *peers.DNS) { d.Fail("b.example A", 2); d.Silence("b.example AAAA", true) },
			"[127.0.0.1 127.0.0.2 ::1]"},
		{"knows that there is no such name", func(*peers.DNS) {}, "3: Host not found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bad, r := start(t, nil)
			good, _ := start(t, nil)
			both(t, good)
			tt.bad(bad)
			r.options.Servers = append(r.options.Servers, netip.MustParseAddrPort(good.Addr()))
			r.resend = testwait.Patience
			if got := lookup(t, r, "b.example"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestAllServersBad checks that the failure is reported once all servers have been asked.
func TestAllServersBad(t *testing.T) {
	first, r := start(t, nil)
	second, _ := start(t, nil)
	r.options.Servers = append(r.options.Servers, netip.MustParseAddrPort(second.Addr()))
	r.resend = testwait.Patience
	first.Fail("b.example", 5)
	second.Fail("b.example", 2)
	if got := lookup(t, r, "b.example"); got != "5: Operation refused" {
		t.Errorf("got %s", got)
	}
	if n := second.Asked("b.example", "A"); n == 0 {
		t.Error("the second server was not asked")
	}
}

// TestOnlyServerFails checks that the failures of both families count as soon as the only server
// has reported them, without waiting for the resend time.
func TestOnlyServerFails(t *testing.T) {
	for range 20 {
		d, r := start(t, nil)
		r.resend = 2 * testwait.Patience
		d.Fail("b.example", 5)
		if got := lookup(t, r, "b.example"); got != "5: Operation refused" {
			t.Fatalf("got %s", got)
		}
	}
}

// TestOneFamilyFails checks that the addresses of one family count, and that the answer reports the
// missing family.
func TestOneFamilyFails(t *testing.T) {
	for _, tt := range []struct {
		kind        string
		code        int
		want        string
		noA, noAAAA Error
	}{
		{"A", 2, "[::1]", ServerFailure, 0},
		{"AAAA", 5, "[127.0.0.1 127.0.0.2]", 0, OperationRefused},
		{"AAAA", 3, "[127.0.0.1 127.0.0.2]", 0, 0}, // it has none, even if that server has a different reason
	} {
		t.Run(fmt.Sprint(tt.kind, tt.code), func(t *testing.T) {
			d, r := start(t, nil)
			both(t, d)
			d.Fail("b.example "+tt.kind, tt.code)
			a, err := r.Lookup(within(t, testwait.Patience), "b.example")
			if err != nil || fmt.Sprint(a.Addrs) != tt.want || a.NoA != tt.noA || a.NoAAAA != tt.noAAAA {
				t.Errorf("got %v, %v; want %s", a, err, tt.want)
			}
			if soon := time.Until(a.Until) <= forNothing; soon != (a.Incomplete() != 0) {
				t.Errorf("good for %v", time.Until(a.Until))
			}
		})
	}
}

// TestSilentFamily checks that the addresses of one family do not wait long for those of the other.
func TestSilentFamily(t *testing.T) {
	d, r := start(t, nil)
	both(t, d)
	d.Silence("b.example AAAA", true)
	r.grace, r.resend = 10*time.Millisecond, 100*time.Millisecond
	a, err := r.Lookup(within(t, testwait.Patience), "b.example")
	if err != nil || fmt.Sprint(a.Addrs) != "[127.0.0.1 127.0.0.2]" || a.NoAAAA != ErrTimedOut {
		t.Fatalf("got %v, %v", a, err)
	}
	if left := time.Until(a.Until); left > time.Second {
		t.Errorf("to be asked for again after %v", left)
	}
	awaitLate(t, r)
	if n := cachedCount(r, "b.example"); n != 2 {
		t.Errorf("%d addresses are known", n)
	}
}

// TestLateFamily checks that addresses that arrive after the grace period are added to the known
// ones.
func TestLateFamily(t *testing.T) {
	d, r := start(t, nil)
	both(t, d)
	answer := d.Hold("b.example AAAA")
	r.grace = 10 * time.Millisecond
	r.resend = testwait.Patience
	if got := lookup(t, r, "b.example"); got != "[127.0.0.1 127.0.0.2]" {
		t.Fatalf("got %s", got)
	}
	answer()
	awaitLate(t, r)
	if n := cachedCount(r, "b.example"); n != 3 {
		t.Errorf("%d addresses are known, want 3", n)
	}
}

// awaitLate waits until no lookup runs in the background.
func awaitLate(t *testing.T, r *Resolver) {
	t.Helper()
	testwait.Eventually(t, "all lookups have ended", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.late == 0
	})
}

func cachedCount(r *Resolver, name string) int {
	a, _ := r.Cached(name)
	return len(a.Addrs)
}

// TestAliasesInACircle checks that two names that are aliases of each other cost one question each,
// not as many as a chain may have.
func TestAliasesInACircle(t *testing.T) {
	d, r := start(t, nil)
	d.Hops(true)
	r.resend = testwait.Patience // which the lookup must not need
	set(t, d, "a.example", "CNAME", 60, "b.example")
	set(t, d, "b.example", "CNAME", 60, "a.example")
	if got := lookup(t, r, "a.example"); got != "3: Host not found" {
		t.Errorf("got %s", got)
	}
	for _, name := range []string{"a.example", "b.example"} {
		if n := d.Asked(name, "A"); n != 1 {
			t.Errorf("%s was asked for %d times, want once", name, n)
		}
	}
}
