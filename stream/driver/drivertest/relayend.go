package drivertest

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"weir/internal/relay"
	"weir/stream"
)

var endTests = []driverTest{
	{"client ends", func(r *rig) {
		wantEnd(r, spec(), relay.ClientEOF, func(client, server duplex) { client.Close() })
	}},
	{"client ends its writing", func(r *rig) {
		wantEnd(r, spec(), relay.ClientEOF, func(client, server duplex) {
			client.CloseWrite()
			must(r, expectEnd(server))
			must(r, expectEnd(client))
		})
	}},
	{"server ends", func(r *rig) {
		wantEnd(r, spec(), relay.UpstreamEOF, func(client, server duplex) { server.Close() })
	}},
	{"client resets", func(r *rig) {
		o := wantEnd(r, spec(), relay.ClientError, func(client, server duplex) { reset(client) })
		wantReadReset(r, o, stream.ClientSide)
	}},
	{"server resets", func(r *rig) {
		o := wantEnd(r, spec(), relay.UpstreamError, func(client, server duplex) { reset(server) })
		wantReadReset(r, o, stream.UpstreamSide)
	}},
	{"timeout", timeout},
	{"timeout is extended by either direction", timeoutPutOff},
	{"no timeout", func(r *rig) {
		s := spec()
		s.Timeout = 0
		wantEnd(r, s, relay.UpstreamEOF, func(client, server duplex) { server.Close() })
	}},
	{"half close, client first", func(r *rig) { halfClosed(r, true) }},
	{"half close, server first", func(r *rig) { halfClosed(r, false) }},
	{"bytes sent before the end arrive", sentBeforeEnd},
	{"server removed, client sends", func(r *rig) { serverLeft(r, func(client, server duplex) duplex { return client }) }},
	{"server removed, server sends", func(r *rig) { serverLeft(r, func(client, server duplex) duplex { return server }) }},
}

// wantEnd relays a few bytes both ways, lets act end the relay, and checks its end.
func wantEnd(r *rig, spec *relay.Spec, want relay.End, act func(client, server duplex)) outcome {
	r.Helper()
	client, server := r.proxied(&Proxy{Spec: spec}).pair()
	send(r, client, "ping")
	expect(r, server, "ping")
	send(r, server, "pong")
	expect(r, client, "pong")
	act(client, server)
	return wantOutcome(r, want)
}

// wantOutcome checks the end of the relay, which the session sees once.
func wantOutcome(r *rig, want relay.End) outcome {
	r.Helper()
	o := r.outcome()
	if o.end != want || o.status != stream.StatusOK || o.count(stream.Relayed) != 1 {
		r.Errorf("got %v, status %d, %d times; want %v, 200, once", o.end, o.status, o.count(stream.Relayed), want)
	}
	return o
}

// wantReadReset checks that the only failure is that of a read from a side that was reset.
func wantReadReset(r *rig, o outcome, side stream.Side) {
	r.Helper()
	ev := o.failure()
	if ev.Side != side || ev.Op != stream.OpRecv || !errors.Is(ev.Err, syscall.ECONNRESET) || o.count(stream.Failed) != 1 {
		r.Errorf("got side %d, %v, %v (%d in all); want side %d, recv(), ECONNRESET", ev.Side, ev.Op, ev.Err, o.count(stream.Failed), side)
	}
}

// timeout sends nothing, so that the relay is idle from its beginning.
func timeout(r *rig) {
	s := spec()
	s.Timeout = 150 * time.Millisecond
	start := time.Now()
	client, server := r.proxied(&Proxy{Spec: s}).pair()
	must(r, expectEnd(client))
	must(r, expectEnd(server))
	if took := time.Since(start); took < 140*time.Millisecond {
		r.Errorf("ended after %v", took)
	}
	wantOutcome(r, relay.Timeout)
}

// timeoutPutOff sends in one direction at a time, for longer than the timeout.
func timeoutPutOff(r *rig) {
	s := spec()
	s.Timeout = time.Second
	wantEnd(r, s, relay.Timeout, func(client, server duplex) {
		for _, ends := range [][2]duplex{{client, server}, {server, client}} {
			for start := time.Now(); time.Since(start) < s.Timeout*6/5; time.Sleep(10 * time.Millisecond) {
				send(r, ends[0], "x")
				expect(r, ends[1], "x")
			}
		}
		must(r, expectEnd(client))
	})
}

func halfClosed(r *rig, clientFirst bool) {
	s := spec()
	s.HalfClose = true
	want := relay.ClientEOF
	if clientFirst {
		want = relay.UpstreamEOF
	}
	wantEnd(r, s, want, func(client, server duplex) {
		first, second := server, client
		if clientFirst {
			first, second = client, server
		}
		send(r, first, "last bytes")
		first.CloseWrite()
		expect(r, second, "last bytes")
		must(r, expectEnd(second))
		send(r, second, "still here")
		expect(r, first, "still here")
		second.CloseWrite()
		must(r, expectEnd(first))
	})
}

// sentBeforeEnd fills the path to a reader that starts only after the writer has closed.
func sentBeforeEnd(r *rig) {
	client, server := r.proxied(&Proxy{Spec: spec()}).pair()
	client.SetReadBuffer(window)
	const total = 512 << 10
	must(r, unpaced.write(server, 9, total))
	server.Close()
	must(r, unpaced.expect(client, 9, total))
	must(r, expectEnd(client))
	if o := r.outcome(); o.end != relay.UpstreamEOF || o.toClient != total {
		r.Errorf("got %v after %d bytes, want upstream EOF after %d", o.end, o.toClient, total)
	}
}

// serverLeft checks that the relay ends at the next event, from either side, after the server was
// removed, and not before.
func serverLeft(r *rig, next func(client, server duplex) duplex) {
	s := spec()
	s.Left = new(atomic.Bool)
	wantEnd(r, s, relay.Dropped, func(client, server duplex) {
		s.Left.Store(true)
		send(r, next(client, server), "x")
		for _, c := range []duplex{client, server} {
			if n, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				r.Errorf("read %d bytes, %v; want the end", n, err)
			}
		}
	})
}
