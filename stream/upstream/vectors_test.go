package upstream_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/stream"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// TestVectors compares with choices of an independent implementation that agreed with nginx on 1600
// live choices.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/hash-vectors.tsv")
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(text)), "\n")[1:]
	if len(rows) != 240 {
		t.Fatalf("got %d rows, want 240", len(rows))
	}
	for _, row := range rows {
		f := strings.Split(row, "\t")
		servers, down, key := f[1], f[2], f[3]
		checkVector(t, row, upstream.Consistent(fixed(t, key)), servers, down, f[4])
		checkVector(t, row, upstream.Hash(fixed(t, key)), servers, down, f[5])
	}
}

func checkVector(t *testing.T, row string, m upstream.Method, servers, down, want string) {
	t.Helper()
	list := parsePeers(t, servers)
	for _, p := range list {
		p.Down = p.Server == down
	}
	got, err := upstream.NewGroup("u", list, m).Begin(upstreamtest.NewBench().Session()).Pick()
	if err != nil {
		t.Fatalf("%s: %v", row, err)
	}
	if got.Server != want {
		t.Errorf("%s: got %s, want %s", row, got.Server, want)
	}
}

// parsePeers reads "name*weight name*weight"; a name given twice is one server with two addresses.
func parsePeers(t *testing.T, text string) []*upstream.PeerConf {
	t.Helper()
	var list []*upstream.PeerConf
	for i, field := range strings.Fields(text) {
		name, weight, _ := strings.Cut(field, "*")
		w, err := strconv.Atoi(weight)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, &upstream.PeerConf{
			Server: name, Name: name + "#" + strconv.Itoa(i), Weight: w, MaxFails: 1, FailTimeout: 10 * time.Second,
		})
	}
	return list
}

// picks runs n sessions that pick and keep their peer, and returns the servers' names.
func picks(t *testing.T, b *upstreamtest.Bench, g *upstream.Group, n int) []string {
	t.Helper()
	var names []string
	for range n {
		p, err := g.Begin(b.Session()).Pick()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, p.Server)
	}
	return names
}

// TestSequences checks sequences recorded from nginx 1.22.1.
func TestSequences(t *testing.T) {
	tests := []struct {
		name   string
		method upstream.Method
		peers  string
		want   string
	}{
		{"round robin", upstream.RoundRobin, "a*1 b*1 c*1", "a b c a b c"},
		{"smooth weights", upstream.RoundRobin, "a*5 b*1 c*1", "a a b a c a a a a b a c a a"},
		{"two to one", upstream.RoundRobin, "a*2 b*1", "a b a a b a"},
		{"two addresses have a weight each", upstream.RoundRobin, "a*2 a*2 b*1", "a a b a a"},
		{"least_conn fills by weight", upstream.LeastConn, "a*3 b*1", "a b a a a b a a"},
		{"least_conn breaks ties in turn", upstream.LeastConn, "a*1 b*1 c*1", "a b c c b a"},
		{"least_conn ties of unequal weights", upstream.LeastConn, "a*2 b*1 c*3", "c a b c a c a b c c a"},
		{"an empty key is round robin", upstream.Consistent(stream.Template{}), "a*2 b*1", "a b a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := strings.Fields(tt.want)
			g := upstream.NewGroup("u", parsePeers(t, tt.peers), tt.method)
			if got := picks(t, upstreamtest.NewBench(), g, len(want)); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}
