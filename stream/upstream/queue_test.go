package upstream_test

import (
	"errors"
	"testing"
	"time"

	"weir/stream"
	"weir/stream/offline"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// queued returns how long a session must wait; it fails if the session gets a server, or is refused.
func queued(t *testing.T, p upstream.Picker) time.Duration {
	t.Helper()
	peer, err := p.Pick()
	wait, ok := errors.AsType[*upstream.Queued](err)
	if !ok {
		t.Fatalf("got %v, %v; want a place in the queue", peer, err)
	}
	return wait.Wait
}

// picked returns the name of the server that a session gets, or of the error.
func picked(p upstream.Picker) string {
	peer, err := p.Pick()
	if err != nil {
		return err.Error()
	}
	return peer.Name
}

// limitedServers returns the servers of a line, each with that rate.
func limitedServers(line string, rate int) []*upstream.PeerConf {
	all := servers(line)
	for _, p := range all {
		p.ConnectRate = rate
	}
	return all
}

// TestConnectRate checks the rate of a server, without a queue.
func TestConnectRate(t *testing.T) {
	bench := upstreamtest.NewBench()
	g := upstream.NewGroup("u", limitedServers("a", 100), upstream.RoundRobin)
	n := 0
	for range 3000 {
		if picked(g.Begin(bench.Session())) == "a" {
			n++
		}
		bench.Advance(time.Millisecond)
	}
	if n != 300 {
		t.Errorf("%d connections in 3 s, want 300", n)
	}
}

// TestConnectRateSpreads checks that other servers get the sessions beyond the rate.
func TestConnectRateSpreads(t *testing.T) {
	bench := upstreamtest.NewBench()
	list := servers("a b")
	list[0].ConnectRate = 1
	list[0].Weight = 100
	g := upstream.NewGroup("u", list, upstream.LeastConn)
	g.SetQueue(10, time.Minute)
	for i, want := range []string{"a", "b", "b"} {
		if got := picked(g.Begin(bench.Session())); got != want {
			t.Errorf("session %d gets %s, want %s", i, got, want)
		}
	}
}

// hashMethods are the methods under which a client waits for its own server.
var hashMethods = map[string]func(stream.Template) upstream.Method{
	"hash": upstream.Hash, "consistent": upstream.Consistent, "jump": upstream.Jump,
}

// TestQueueOfHash checks that a client waits for its own server, that the rate holds, and that the server
// of others is used at once; a full queue sends the client elsewhere.
func TestQueueOfHash(t *testing.T) {
	for name, method := range hashMethods {
		t.Run(name, func(t *testing.T) {
			bench := upstreamtest.NewBench()
			key, err := stream.ParseTemplate("client", stream.NewVarTable())
			if err != nil {
				t.Fatal(err)
			}
			g := upstream.NewGroup("u", limitedServers("a b", 10), method(key))
			g.SetQueue(2, time.Minute)
			own := picked(g.Begin(bench.Session()))
			first, second, third := g.Begin(bench.Session()), g.Begin(bench.Session()), g.Begin(bench.Session())
			if a, b := queued(t, first), queued(t, second); a != 101*time.Millisecond || b != 201*time.Millisecond || g.Waiting() != 2 {
				t.Errorf("the sessions wait %v and %v", a, b)
			}
			if got := picked(third); got == own || len(got) > 1 {
				t.Errorf("with a full queue the session gets %s", got)
			}
			bench.Advance(50 * time.Millisecond)
			if got := queued(t, first); got != 51*time.Millisecond {
				t.Errorf("after 50 ms the session waits %v", got)
			}
			bench.Advance(50 * time.Millisecond)
			if got := picked(first); got != own {
				t.Errorf("after the wait the session gets %s, want %s", got, own)
			}
			second.Leave()
			second.Leave()
			if again := queued(t, g.Begin(bench.Session())); again != 101*time.Millisecond || g.Waiting() != 1 {
				t.Errorf("the next session waits %v, %d in the queue", again, g.Waiting())
			}
		})
	}
}

// TestQueueOfAny checks that with other methods a session waits for the server that it may use first.
func TestQueueOfAny(t *testing.T) {
	bench := upstreamtest.NewBench()
	list := limitedServers("a b", 1)
	list[1].ConnectRate = 10
	g := upstream.NewGroup("u", list, upstream.RoundRobin)
	g.SetQueue(5, time.Minute)
	picked(g.Begin(bench.Session()))
	picked(g.Begin(bench.Session()))
	p := g.Begin(bench.Session())
	if got := queued(t, p); got != 101*time.Millisecond {
		t.Errorf("the session waits %v", got)
	}
	bench.Advance(100 * time.Millisecond)
	if got := picked(p); got != "b" {
		t.Errorf("the session gets %s", got)
	}
}

// TestQueueWithoutRate checks that sessions also wait for a server with max_conns.
func TestQueueWithoutRate(t *testing.T) {
	bench := upstreamtest.NewBench()
	list := servers("a/1 b/1")
	list[1].Backup = true
	g := upstream.NewGroup("u", list, upstream.RoundRobin)
	g.SetQueue(1, time.Minute)
	holder := g.Begin(bench.Session())
	peer, err := holder.Pick()
	if err != nil {
		t.Fatal(err)
	}
	if got := picked(g.Begin(bench.Session())); got != "b" {
		t.Errorf("the second session gets %s", got)
	}
	p := g.Begin(bench.Session())
	if got := queued(t, p); got != 0 {
		t.Errorf("the session waits %v", got)
	}
	if got := picked(g.Begin(bench.Session())); got != upstream.ErrNoLivePeers.Error() {
		t.Errorf("with a full queue the session gets %s", got)
	}
	holder.Free(peer, upstream.Succeeded, &stream.Try{})
	if got := picked(p); got != "a" || g.Waiting() != 0 {
		t.Errorf("the session gets %s, %d in the queue", got, g.Waiting())
	}
}

// TestRateAfterReload checks that sessions of two configurations share the rate.
func TestRateAfterReload(t *testing.T) {
	bench := upstreamtest.NewBench()
	env, _ := offline.NewEnv(bench.Now)
	first := upstream.NewGroup("u", limitedServers("a", 10), upstream.RoundRobin)
	next := upstream.NewGroup("u", limitedServers("a", 10), upstream.RoundRobin)
	next.SetQueue(5, time.Minute)
	picked(first.Begin(bench.Session()))
	if err := next.Open(t.Context(), env, first); err != nil {
		t.Fatal(err)
	}
	if got := queued(t, next.Begin(bench.Session())); got != 101*time.Millisecond {
		t.Errorf("the session waits %v", got)
	}
}
