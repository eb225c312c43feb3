package upstream_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"weir/stream"
	"weir/stream/offline"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// reloads are the groups of one name in the configurations of a process, and the sessions of each.
type reloads struct {
	t      *testing.T
	bench  *upstreamtest.Bench
	groups []*upstream.Group
	end    map[string]func() // ends the session of that name
}

// servers returns the servers of a line: "a b/2" is the server a, and b with max_conns=2.
func servers(line string) []*upstream.PeerConf {
	var all []*upstream.PeerConf
	for word := range strings.FieldsSeq(line) {
		p := &upstream.PeerConf{Server: word[:1], Name: word[:1], Weight: 1}
		fmt.Sscanf(word[1:], "/%d", &p.MaxConns)
		p.Addr = stream.Addr{IP: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, word[0]}), 1883)}
		all = append(all, p)
	}
	return all
}

// configure opens a group with these servers as the successor of the previous one.
func (l *reloads) configure(line string) {
	l.t.Helper()
	g := upstream.NewGroup("u", servers(line), upstream.LeastConn)
	var old stream.Part
	if len(l.groups) > 0 {
		old = l.groups[len(l.groups)-1]
	}
	env, _ := offline.NewEnv(l.bench.Session().Env.Now)
	if err := g.Open(l.t.Context(), env, old); err != nil {
		l.t.Fatal(err)
	}
	l.groups = append(l.groups, g)
}

func (l *reloads) group() *upstream.Group { return l.groups[len(l.groups)-1] }

// begin starts a session of the newest group, and returns its server, or "-".
func (l *reloads) begin(name string) string {
	l.t.Helper()
	p := l.group().Begin(l.bench.Session())
	peer, err := p.Pick()
	if err != nil {
		return "-"
	}
	p.Notify(peer, upstream.Connected, 0)
	p = p.Established()
	l.end[name] = func() { p.Free(peer, upstreamtest.FailedIf(false), &stream.Try{}) }
	return peer.Server
}

// conns returns the counts of the newest group, "a:1 b:0".
func (l *reloads) conns() string {
	var all []string
	for _, p := range l.group().Peers() {
		all = append(all, fmt.Sprintf("%s:%d", p.Server, l.group().Conns(p)))
	}
	return strings.Join(all, " ")
}

// TestCountsAfterReload lists the result of each step: "= SERVERS" is another
// configuration, "+S" starts session S, "-S" ends it, "~ SERVERS" sets other servers in the same
// configuration.
func TestCountsAfterReload(t *testing.T) {
	tests := []struct {
		name  string
		steps []string // each with its result
	}{
		{"sessions of the previous configuration count", []string{"= a b", "a:0 b:0", "+1", "a:1 b:0", "+2", "a:1 b:1", "= a b", "a:1 b:1", "-1", "a:0 b:1", "-2", "a:0 b:0"}},
		{"least_conn after a reload", []string{"= a", "a:0", "+1", "a:1", "+2", "a:2", "= a b", "a:2 b:0", "+3", "a:2 b:1", "+4", "a:2 b:2"}},
		{"max_conns after a reload", []string{"= a/1", "a:0", "+1", "a:1", "= a/1", "a:1", "+2", "refused a:1", "-1", "a:0", "+3", "a:1"}},
		{"servers in another order", []string{"= a b", "a:0 b:0", "+1", "a:1 b:0", "= b a", "b:0 a:1"}},
		{"a server is removed and added again", []string{"= a b", "a:0 b:0", "+1", "a:1 b:0", "= b", "b:0", "= b", "b:0", "= a b", "a:1 b:0", "-1", "a:0 b:0"}},
		{"the session of a removed server ends", []string{"= a b", "a:0 b:0", "+1", "a:1 b:0", "= b", "b:0", "-1", "b:0", "= a b", "a:0 b:0"}},
		{"one address twice", []string{"= a a", "a:0 a:0", "+1", "a:1 a:0", "= a a", "a:1 a:0", "+2", "a:1 a:1", "-1", "a:0 a:1"}},
		{"servers replaced in a configuration", []string{"= a b", "a:0 b:0", "+1", "a:1 b:0", "~ b", "b:0", "~ a b", "a:1 b:0", "-1", "a:0 b:0"}},
		{"servers replaced, then a reload", []string{"= a b", "a:0 b:0", "+1", "a:1 b:0", "~ b", "b:0", "= b", "b:0", "~ b a", "b:0 a:1", "-1", "b:0 a:0"}},
		{"sessions of several configurations", []string{"= a", "a:0", "+1", "a:1", "= a", "a:1", "+2", "a:2", "= a", "a:2", "-1", "a:1", "-2", "a:0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bench := upstreamtest.NewBench()
			bench.Vars.Resolve()
			l := &reloads{t: t, bench: bench, end: map[string]func(){}}
			for i := 0; i < len(tt.steps); i += 2 {
				got := l.step(tt.steps[i]) + l.conns()
				if got != tt.steps[i+1] {
					t.Fatalf("%q, step %d: got %q, want %q", tt.steps[i], i/2, got, tt.steps[i+1])
				}
			}
		})
	}
}

// newPeers returns a new peer of g for each of confs.
func newPeers(g *upstream.Group, confs []*upstream.PeerConf) []*upstream.Peer {
	var peers []*upstream.Peer
	for _, c := range confs {
		peers = append(peers, g.NewPeer(c))
	}
	return peers
}

func (l *reloads) step(step string) (note string) {
	l.t.Helper()
	switch rest := step[1:]; step[0] {
	case '=':
		l.configure(rest)
	case '~':
		l.group().Replace(newPeers(l.group(), servers(rest)))
	case '+':
		if l.begin(rest) == "-" {
			return "refused "
		}
	case '-':
		l.end[rest]()
	}
	return ""
}

// TestCountsAfterFailedReload opens a group that is then dropped, as in a reload that
// fails later.
func TestCountsAfterFailedReload(t *testing.T) {
	bench := upstreamtest.NewBench()
	bench.Vars.Resolve()
	l := &reloads{t: t, bench: bench, end: map[string]func(){}}
	l.configure("a b")
	l.begin("1")
	l.configure("b")
	l.groups = l.groups[:1]
	l.begin("2")
	l.configure("a b")
	if got, want := l.conns(), "a:1 b:1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestCountsDuringReloads runs sessions of several configurations concurrently with
// reloads.
func TestCountsDuringReloads(t *testing.T) {
	bench := upstreamtest.NewBench()
	bench.Vars.Resolve()
	l := &reloads{t: t, bench: bench, end: map[string]func(){}}
	var sessions sync.WaitGroup
	for range 5 {
		l.configure("a/3 b/3")
		g := l.group()
		for range 4 {
			sessions.Go(func() {
				for range 200 {
					p := g.Begin(bench.Session())
					peer, err := p.Pick()
					if err != nil {
						continue
					}
					if n := g.Conns(peer); n > 3 {
						t.Errorf("got %d sessions, want at most 3", n)
					}
					p.Free(peer, upstreamtest.FailedIf(false), &stream.Try{})
				}
			})
		}
	}
	sessions.Wait()
	if got, want := l.conns(), "a:0 b:0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestCountsOfNamesAfterReload uses servers of a name, which are taken over before the
// first answer.
func TestCountsOfNamesAfterReload(t *testing.T) {
	f := newDynamicGroup(t, upstream.LeastConn, dynamicServer(""), servers("x")...)
	f.setRecords(t, "b.example", "A", "10.0.0.1", "10.0.0.2")
	bench := upstreamtest.NewBench()
	bench.Vars.Resolve()
	l := &reloads{t: t, bench: bench, end: map[string]func(){}, groups: []*upstream.Group{f.group}}
	for _, name := range []string{"1", "2", "3", "4"} {
		l.begin(name)
	}
	before := l.conns()
	next := upstream.NewZoneGroup("u", upstream.Zone{Name: "z"}, servers("x"), upstream.LeastConn, []*upstream.DynamicServer{dynamicServer("")}, f.resolving)
	f.open(t, next, f.group)
	l.groups = append(l.groups, next)
	if got := l.conns(); got != before || !strings.Contains(got, "b.example:1883:1") {
		t.Errorf("got %s, want %s", got, before)
	}
	f.group = next
	f.setRecords(t, "b.example", "A", "10.0.0.3")
	f.setRecords(t, "b.example", "A", "10.0.0.1", "10.0.0.2")
	if got := l.conns(); got != before {
		t.Errorf("after the addresses have come back: got %s, want %s", got, before)
	}
	for _, end := range l.end {
		end()
	}
	if got := l.conns(); strings.ContainsAny(strings.ReplaceAll(got, "1883", ""), "123456789") {
		t.Errorf("after all have ended: got %s", got)
	}
}
