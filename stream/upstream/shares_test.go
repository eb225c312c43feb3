package upstream_test

import (
	"fmt"
	"math"
	"testing"

	"weir/stream"
	"weir/stream/upstream"
)

// serversOfKeys returns the server of each of n keys.
func serversOfKeys(t *testing.T, peers string, n int, method func(stream.Template) upstream.Method) []string {
	t.Helper()
	bench, key, tpl := keyedBench(t)
	g := upstream.NewGroup("u", parsePeers(t, peers), method(tpl))
	names := make([]string, n)
	for i := range names {
		*key = fmt.Sprintf("device-%d", i)
		p, err := g.Begin(bench.Session()).Pick()
		if err != nil {
			t.Fatal(err)
		}
		names[i] = p.Server
	}
	return names
}

// TestSharesByWeight checks that clients spread by weight. The ring is not included: its shares are
// those of nginx.
func TestSharesByWeight(t *testing.T) {
	const n = 30_000
	want := map[string]float64{"a:1": 1.0 / 6, "b:1": 2.0 / 6, "c:1": 3.0 / 6}
	for _, m := range methods {
		if m.name == "hash KEY consistent" || m.name == "least_conn" {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			got := map[string]int{}
			for _, server := range serversOfKeys(t, "a:1*1 b:1*2 c:1*3", n, m.make) {
				got[server]++
			}
			for server, share := range want {
				if off := math.Abs(float64(got[server])/n - share); off > 0.02 {
					t.Errorf("%s has %d of %d clients, want %.0f", server, got[server], n, share*n)
				}
			}
		})
	}
}

// TestAppendedServer checks the consistent methods when a server is appended: clients move only to
// it, and no more than its share of them.
func TestAppendedServer(t *testing.T) {
	const n = 30_000
	tests := []struct {
		name   string
		method func(stream.Template) upstream.Method
		most   float64
	}{
		{"consistent", upstream.Consistent, 0.30}, // 160 points give shares that differ by 10 to 20 %
		{"jump", upstream.Jump, 0.26},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := serversOfKeys(t, "a:1*1 b:1*1 c:1*1", n, tt.method)
			after := serversOfKeys(t, "a:1*1 b:1*1 c:1*1 d:1*1", n, tt.method)
			moved := 0
			for i := range before {
				if before[i] == after[i] {
					continue
				}
				moved++
				if after[i] != "d:1" {
					t.Fatalf("device-%d moved from %s to %s", i, before[i], after[i])
				}
			}
			if most := int(tt.most * n); moved > most || moved == 0 {
				t.Errorf("%d of %d clients moved, want at most %d", moved, n, most)
			}
		})
	}
}

// TestJumpWithServerDown checks that the clients of a down server spread over the others, that
// the rest stay, and that addresses of one name are one server.
func TestJumpWithServerDown(t *testing.T) {
	const n = 30_000
	bench, key, tpl := keyedBench(t)
	list := parsePeers(t, "a:1*1 a:1*1 b:1*1 c:1*1")
	g := upstream.NewGroup("u", list, upstream.Jump(tpl))
	whole := pickAll(t, g, bench.Session(), key, n)
	list = parsePeers(t, "a:1*1 a:1*1 b:1*1 c:1*1")
	list[2].Down = true
	broken := pickAll(t, upstream.NewGroup("u", list, upstream.Jump(tpl)), bench.Session(), key, n)
	moved := map[string]int{}
	for i := range whole {
		if whole[i] != broken[i] {
			moved[whole[i]+" to "+broken[i]]++
		}
	}
	if len(moved) != 2 {
		t.Errorf("got moves %v, want those from b only", moved)
	}
	for _, move := range []string{"b:1 to a:1", "b:1 to c:1"} {
		if got := moved[move]; got < n/6-n/50 || got > n/6+n/50 {
			t.Errorf("%s: %d clients, want about %d", move, got, n/6)
		}
	}
}

func pickAll(t *testing.T, g *upstream.Group, s *stream.Session, key *string, n int) []string {
	t.Helper()
	names := make([]string, n)
	for i := range names {
		*key = fmt.Sprintf("device-%d", i)
		picker := g.Begin(s)
		p, err := picker.Pick()
		if err != nil {
			t.Fatal(err)
		}
		picker.Free(p, upstream.Succeeded, nil)
		names[i] = p.Server
	}
	return names
}

// TestRandomTwoPrefersLessLoaded checks that the peer with fewer connections for its weight is
// chosen of two.
func TestRandomTwoPrefersLessLoaded(t *testing.T) {
	bench, _, _ := keyedBench(t)
	g := upstream.NewGroup("u", parsePeers(t, "a:1*1 b:1*3"), upstream.RandomTwo)
	for range 400 {
		if _, err := g.Begin(bench.Session()).Pick(); err != nil {
			t.Fatal(err)
		}
	}
	if got := g.Conns(g.Peers()[0]); got < 98 || got > 102 {
		t.Errorf("a of weight 1 holds %d of 400 sessions, want about 100", got)
	}
}
