package drivertest

import (
	"errors"
	"io"
	"os"
	"time"

	"weir/internal/relay"
	"weir/stream"
)

var pressureTests = []driverTest{
	{"server that does not read stops the client", func(r *rig) { stalled(r, true) }},
	{"client that does not read stops the server", func(r *rig) { stalled(r, false) }},
	{"a stalled direction does not stop the other", stalledOneWay},
	{"first bytes beyond the socket's buffer", largePrefix},
	{"timeout with a reader that is stuck", stuckReader},
}

// window is a small socket buffer, so that a stall shows soon; it is larger than a packet on
// loopback, because otherwise the system waits for room.
const window = 128 << 10

// smallBuffers makes the driver's upstream sockets small.
func smallBuffers() stream.Target { return stream.Target{RcvBuf: window, SndBuf: window} }

// traffic returns the counters of a session of p during its relay.
func traffic(p *Proxy) <-chan *relay.Result {
	found := make(chan *relay.Result, 1)
	p.OnEvent = func(s *stream.Session, ev stream.Event) {
		if ev.Kind == stream.Connected {
			found <- &s.Traffic
		}
	}
	return found
}

// stalled makes one end write while the other does not read, until nothing moves. The bytes read
// and not yet written must fit in one buffer. Then all of them must arrive.
func stalled(r *rig, up bool) {
	proxy := &Proxy{Spec: spec(), Target: smallBuffers()}
	counters := traffic(proxy)
	client, server := r.proxied(proxy).pair()
	from, to := server, client
	if up {
		from, to = client, server
	}
	to.SetReadBuffer(window)
	t := <-counters
	sent := writeUntilStuck(r, from)
	read, wrote := stableTraffic(t, up)
	if held := read - wrote; held < 0 || held > max(int64(proxy.Spec.BufferSize), r.maxHeld) {
		r.Errorf("the driver holds %d bytes, want at most %d", held, max(int64(proxy.Spec.BufferSize), r.maxHeld))
	}
	from.Close()
	must(r, unpaced.expect(to, 4, sent))
	must(r, expectEnd(to))
}

// stableTraffic returns how many bytes the driver has read and written in one direction, once they do
// not change between two looks: on a busy machine the driver may still be at work.
func stableTraffic(t *relay.Result, up bool) (read, wrote int64) {
	look := func() (int64, int64) {
		if up {
			return t.FromClient.Load(), t.ToUpstream.Load()
		}
		return t.FromUpstream.Load(), t.ToClient.Load()
	}
	for {
		read, wrote = look()
		if r, w := look(); r == read && w == wrote {
			return read, wrote
		}
	}
}

// writeUntilStuck writes pattern 4 until writes stall, and returns how many bytes it wrote.
func writeUntilStuck(r *rig, to duplex) int {
	r.Helper()
	from, total, b := pattern(4), 0, make([]byte, 16<<10)
	for {
		io.ReadFull(from, b)
		to.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		n, err := to.Write(b)
		total += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return total
		}
		must(r, err)
	}
}

func stalledOneWay(r *rig) {
	p := r.proxied(&Proxy{Spec: spec(), Target: smallBuffers()})
	client, server := p.pair()
	client.SetReadBuffer(window)
	writeUntilStuck(r, server)
	concurrently(r, func() error { return unpaced.write(client, 6, 1<<20) }, func() error { return unpaced.expect(server, 6, 1<<20) })
}

// largePrefix has more bytes to send first than any socket takes at once, to a server that starts to
// read while the client is already being served.
func largePrefix(r *rig) {
	const size = 8 << 20
	prefix := make([]byte, size)
	io.ReadFull(pattern(8), prefix)
	client, server := r.proxied(&Proxy{Spec: spec(), Prefix: prefix, Target: smallBuffers()}).pair()
	send(r, client, "after it")
	send(r, server, "meanwhile")
	expect(r, client, "meanwhile")
	must(r, unpaced.expect(server, 8, size))
	expect(r, server, "after it")
	client.Close()
	if o := r.outcome(); o.toUpstream != size+8 || o.fromClient != 8 {
		r.Errorf("got %d to the server, %d from the client; want %d, 8", o.toUpstream, o.fromClient, size+8)
	}
}

func stuckReader(r *rig) {
	s := spec()
	s.Timeout = 200 * time.Millisecond
	p := r.proxied(&Proxy{Spec: s, Target: smallBuffers()})
	client, server := p.pair()
	server.SetReadBuffer(window)
	b := make([]byte, 1<<20)
	for {
		if _, err := client.Write(b); err != nil {
			break
		}
	}
	if o := r.outcome(); o.end != relay.Timeout {
		r.Errorf("got %v, want timeout", o.end)
	}
}
