package status

import (
	"testing"
	"unsafe"
)

// TestShardsFillCacheLines checks that two loops never write the same pair of cache lines.
func TestShardsFillCacheLines(t *testing.T) {
	for name, size := range map[string]uintptr{
		"zone": unsafe.Sizeof(zoneShard{}), "connections": unsafe.Sizeof(connectionShard{}),
	} {
		if size%128 != 0 {
			t.Errorf("a shard of %s takes %d bytes, want a multiple of 128", name, size)
		}
	}
}

// TestFollow checks that a zone shares the counters of its predecessor, and that it counts
// handshakes only if it has TLS itself.
func TestFollow(t *testing.T) {
	old, next, plain := NewServerZone("z"), NewServerZone("z"), NewServerZone("z")
	old.CountTLS()
	next.CountTLS()
	old.Enter(1)
	old.TLS().Done(true)
	next.Follow(old)
	plain.Follow(next)
	old.Leave(1)
	old.Finished(1, 502)
	old.TLS().Done(false)
	for _, z := range []*ServerZone{next, plain} {
		if got := z.Snapshot(); got.Processing != 0 || got.Sessions != (Sessions{Class5xx: 1, Total: 1}) {
			t.Errorf("got %+v", got)
		}
	}
	if got := next.Snapshot().TLS; *got != (TLSSnapshot{Handshakes: 2, SessionReuses: 1}) {
		t.Errorf("got %+v", got)
	}
	if got := plain.Snapshot().TLS; got != nil {
		t.Errorf("got %+v, want no handshakes", got)
	}
}

// TestResetOfZone checks that a reset applies to all counters, but not to the sessions that are open.
func TestResetOfZone(t *testing.T) {
	z := NewServerZone("z")
	z.CountTLS()
	z.Enter(1)
	z.Connected(1)
	z.Finished(1, 200)
	z.Discarded(1)
	z.Received(1, 5)
	z.Sent(1, 7)
	z.TLS().Done(true)
	z.TLS().TimedOut()
	z.TLS().NoCertificate()
	z.TLS().WrongHost()
	z.Reset()
	got := z.Snapshot()
	if *got.TLS != (TLSSnapshot{}) {
		t.Errorf("got %+v after a reset", *got.TLS)
	}
	if got.TLS = nil; got != (ServerZoneSnapshot{Processing: 1}) {
		t.Errorf("got %+v after a reset", got)
	}
}

func TestLimitConnFollows(t *testing.T) {
	old, next := NewLimitConn("z"), NewLimitConn("z")
	next.Follow(old)
	old.Passed()
	next.Rejected(false)
	next.Rejected(true)
	if got := next.Snapshot(); got != (LimitConnSnapshot{1, 1, 1}) {
		t.Errorf("got %+v", got)
	}
	next.Reset()
	if got := old.Snapshot(); got != (LimitConnSnapshot{}) {
		t.Errorf("got %+v after a reset", got)
	}
}

// TestZonesByName checks that zones of one name are one zone, in the order of their first use.
func TestZonesByName(t *testing.T) {
	var z Zones
	a, b := z.Server("a"), z.Server("b")
	if z.Server("a") != a || len(z.Servers) != 2 || z.Servers[1] != b {
		t.Errorf("got %v", z.Servers)
	}
	r := z.Resolver("a")
	if z.Resolver("a") != r || len(z.Resolvers) != 1 {
		t.Errorf("got %v", z.Resolvers)
	}
}
