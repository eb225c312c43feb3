package upstream_test

import (
	"testing"
	"time"

	"weir/stream"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// TestSlowStartShares checks that a server that has recovered half of its weight gets half as many
// sessions, with every method that supports slow_start.
func TestSlowStartShares(t *testing.T) {
	tests := []struct {
		name   string
		method upstream.Method
	}{
		{"round robin", upstream.RoundRobin},
		{"least_conn", upstream.LeastConn},
		{"least_time", upstream.LeastTime(upstream.ToConnect, false)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bench := upstreamtest.NewBench()
			peers := slowStart(1, 10)
			peers[0].Weight, peers[1].Weight = 4, 4
			g := upstream.NewGroup("u", []*upstream.PeerConf{&peers[0], &peers[1]}, tt.method)
			failFirst(t, g, bench)
			bench.Advance(11 * time.Second)
			probeFirst(t, g, bench)
			bench.Advance(5 * time.Second)
			for range 300 {
				if _, err := g.Begin(bench.Session()).Pick(); err != nil {
					t.Fatal(err)
				}
			}
			if got := g.Conns(g.Peers()[0]); got < 98 || got > 102 {
				t.Errorf("a server at half of its weight holds %d of 300 sessions, want about 100", got)
			}
		})
	}
}

// failFirst runs sessions until the first server has failed.
func failFirst(t *testing.T, g *upstream.Group, bench *upstreamtest.Bench) {
	t.Helper()
	for range 10 {
		if runSession(t, g, bench, true) {
			return
		}
	}
	t.Fatal("no session meets the first server")
}

// probeFirst runs sessions until one has connected to the first server.
func probeFirst(t *testing.T, g *upstream.Group, bench *upstreamtest.Bench) {
	t.Helper()
	for range 10 {
		if runSession(t, g, bench, false) {
			return
		}
	}
	t.Fatal("no session meets the first server")
}

// runSession runs a session, which fails or connects on the first server, and reports whether it
// chose that one.
func runSession(t *testing.T, g *upstream.Group, bench *upstreamtest.Bench, fail bool) (first bool) {
	t.Helper()
	p := g.Begin(bench.Session())
	peer, err := p.Pick()
	if err != nil {
		t.Fatal(err)
	}
	first = peer == g.Peers()[0]
	try := &stream.Try{Connect: -1, FirstByte: -1}
	if !fail || !first {
		p.Notify(peer, upstream.Connected, 0)
		try.Connect = 0
	}
	p.Free(peer, upstreamtest.FailedIf(fail && first), try)
	return first
}
