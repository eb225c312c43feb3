package drivertest

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"weir/internal/relay"
	"weir/internal/testwait"
	"weir/stream"
)

var handshakeFailureTests = []driverTest{
	{"handshake with invalid bytes", handshakeInvalid},
	{"handshake with invalid bytes after a PROXY header", handshakeInvalidAfterHeader},
	{"handshake with a client that does not trust", handshakeUntrusted},
	{"handshake with a client that leaves", func(r *rig) { handshakeClientLeaves(r, func(c duplex) { c.Close() }, io.ErrUnexpectedEOF) }},
	{"handshake with a client that resets", func(r *rig) { handshakeClientLeaves(r, func(c duplex) { reset(c) }, syscall.ECONNRESET) }},
	{"handshake timeout of a client", handshakeTimeout},
	{"handshake timeout after the first message", handshakeTimeoutInside},
	{"handshake that fails, next server", handshakeNextServer},
	{"handshake timeout of a server", handshakeServerTimeout},
	{"handshake after bytes that cannot be sent", handshakeUnsentBytes},
	{"abort in a handshake", handshakeAborted},
	{"abort in a handshake that the content ignores", handshakeIgnoresAbort},
	{"abort of relays through TLS", tlsRelayAborted},
	{"close during handshakes", handshakeDriverCloses},
	{"TLS connection is reset", tlsReset},
	{"TLS connection ends inside a record", tlsCut},
	{"TLS record is invalid", tlsInvalidRecord},
}

// wantHandshakeFailure checks that the only handshake failed, for that reason.
func wantHandshakeFailure(r *rig, side stream.Side, reason error) {
	r.Helper()
	ev := r.outcome().failure()
	if ev.Side != side || ev.Op != stream.OpHandshake || ev.Err == nil || reason != nil && !errors.Is(ev.Err, reason) {
		r.Errorf("got side %d, %v, %v; want side %d, %v, %v", ev.Side, ev.Op, ev.Err, side, stream.OpHandshake, reason)
	}
	if n := r.outcome().count(stream.HandshakeDone); n > 0 {
		r.Errorf("got %d handshakes", n)
	}
}

func handshakeInvalid(r *rig) {
	client := r.withTLS("tcp", ends{client: true}, &Proxy{Spec: spec()}).dial()
	send(r, client, "\x10\x18\x00\x04MQTT\x04\x82\x00\x3c")
	io.Copy(io.Discard, client)
	wantHandshakeFailure(r, stream.ClientSide, nil)
}

// handshakeInvalidAfterHeader sends the first bytes together with the header. nginx has read them for
// the handshake, and so sends no RST.
func handshakeInvalidAfterHeader(r *rig) {
	c := &TLSContent{Proxy: &Proxy{Spec: spec()}, Client: testTLS(r).server}
	client := r.startTLS("tcp", c, func(l *stream.Listen) { l.ProxyProtocol = true }).dial()
	send(r, client, "PROXY TCP4 192.0.2.1 192.0.2.2 1000 1883\r\n\x10\x18\x00\x04MQTT")
	_, err := io.Copy(io.Discard, client)
	must(r, err)
	wantHandshakeFailure(r, stream.ClientSide, nil)
}

func handshakeUntrusted(r *rig) {
	client := r.withTLS("tcp", ends{client: true}, &Proxy{Spec: spec()}).dial()
	config := testTLS(r).client.Clone()
	config.RootCAs, config.MaxVersion = nil, tls.VersionTLS12
	if err := tls.Client(client, config).Handshake(); err == nil {
		r.Error("the client trusts")
	}
	wantHandshakeFailure(r, stream.ClientSide, nil)
}

// clientHello returns the first bytes of a handshake.
func clientHello(r *rig) []byte {
	r.Helper()
	var first []byte
	tls.Client(&recordingConn{to: &first}, testTLS(r).client).Handshake()
	if len(first) == 0 {
		r.Fatal("no ClientHello")
	}
	return first
}

// A recordingConn is a connection that stores the bytes written to it, and never receives any.
type recordingConn struct {
	net.Conn
	to *[]byte
}

// Write stores b.
func (c *recordingConn) Write(b []byte) (int, error) {
	*c.to = append(*c.to, b...)
	return len(b), nil
}

// Read fails.
func (c *recordingConn) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// handshakeClientLeaves closes the client after half of its first message.
func handshakeClientLeaves(r *rig, leave func(duplex), reason error) {
	first := clientHello(r)
	client := r.withTLS("tcp", ends{client: true}, &Proxy{Spec: spec()}).dial()
	client.Write(first[:len(first)/2])
	testwait.Eventually(r, "the session has begun", func() bool { return r.lines.Count("connected to") == 1 })
	leave(client)
	wantHandshakeFailure(r, stream.ClientSide, reason)
}

func handshakeTimeout(r *rig) { handshakeTimeoutAfter(r, 0) }

func handshakeTimeoutInside(r *rig) { handshakeTimeoutAfter(r, len(clientHello(r))) }

// handshakeTimeoutAfter makes a client stop after n bytes of its first message.
func handshakeTimeoutAfter(r *rig, n int) {
	c := &TLSContent{Proxy: &Proxy{Spec: spec()}, Client: testTLS(r).server, Timeout: 150 * time.Millisecond}
	f, first := r.startTLS("tcp", c), clientHello(r)
	start := time.Now()
	client := f.dial()
	client.Write(first[:n]) // fails if it is late
	io.Copy(io.Discard, client)
	if took := time.Since(start); took < 140*time.Millisecond {
		r.Errorf("ended after %v", took)
	}
	if o := r.outcome(); o.count(stream.TimedOut) != 1 || o.count(stream.Failed) != 0 {
		r.Errorf("got %d timeouts, %d failures; want 1, 0", o.count(stream.TimedOut), o.count(stream.Failed))
	}
}

// handshakeNextServer has a server that sends invalid bytes before one that completes the handshake.
func handshakeNextServer(r *rig) {
	bad, good := r.socket("tcp"), r.socket("tcp")
	c := &TLSContent{
		Proxy:    &Proxy{To: []stream.Addr{addrOf(bad.Addr()), addrOf(good.Addr())}, Spec: spec(), OnEvent: r.recordEvent},
		Upstream: testTLS(r).client, Client: testTLS(r).server,
	}
	f := r.listenOn("tcp", r.server(c))
	client := r.tlsClient(f.dial())
	must(r, client.tls.Handshake())
	nonsense := (&proxyFrontend{f, bad}).accept()
	send(r, nonsense, "220 mail.example ESMTP\r\n")
	io.Copy(io.Discard, nonsense)
	server := r.tlsServer((&proxyFrontend{f, good}).accept())
	send(r, server, "hello")
	expect(r, client, "hello")
	client.Close()
	o := r.outcome()
	if ev := o.failure(); ev.Side != stream.UpstreamSide || ev.Op != stream.OpHandshake || o.count(stream.Failed) != 1 {
		r.Errorf("got side %d, %v, %d times; want the upstream's handshake, once", ev.Side, ev.Op, o.count(stream.Failed))
	}
	if o.count(stream.HandshakeDone) != 2 || o.toClient != 5 {
		r.Errorf("got %d handshakes, %d bytes; want 2, 5", o.count(stream.HandshakeDone), o.toClient)
	}
}

func handshakeServerTimeout(r *rig) {
	c := &TLSContent{Proxy: &Proxy{Spec: spec()}, Upstream: testTLS(r).client, Timeout: 150 * time.Millisecond}
	p := r.startTLS("tcp", c)
	client := p.dial()
	p.accept()
	must(r, expectEnd(client))
	if o := r.outcome(); o.count(stream.TimedOut) != 1 || o.status != stream.StatusBadGateway {
		r.Errorf("got %d timeouts, status %d; want 1, 502", o.count(stream.TimedOut), o.status)
	}
}

// handshakeUnsentBytes has more bytes to send before the handshake than the server's socket takes.
func handshakeUnsentBytes(r *rig) {
	c := &TLSContent{Proxy: &Proxy{Spec: spec()}, Upstream: testTLS(r).client, Preamble: make([]byte, 16<<20), Timeout: testwait.Patience}
	p := r.startTLS("tcp", c)
	client := p.dial()
	p.accept()
	must(r, expectEnd(client))
	wantHandshakeFailure(r, stream.UpstreamSide, nil)
	if o := r.outcome(); o.count(stream.TimedOut) != 0 || o.status != stream.StatusBadGateway {
		r.Errorf("got %d timeouts, status %d; want none, 502", o.count(stream.TimedOut), o.status)
	}
}

// handshakeAborted aborts a session in a handshake on either side, and keeps one that does not match.
func handshakeAborted(r *rig) {
	p, q := r.withTLS("tcp", ends{client: true}, &Proxy{Spec: spec()}), r.withTLS("tcp", ends{server: true}, &Proxy{Spec: spec()})
	other := r.withTLS("tcp", ends{client: true}, &Proxy{Spec: spec()})
	waiting, behind, spared := p.dial(), q.dial(), other.dial()
	send(r, waiting, "\x16\x03\x01")
	silent := q.accept()
	io.ReadFull(silent, make([]byte, 10))
	testwait.Eventually(r, "all have begun", func() bool { return r.lines.Count("connected to") == 3 })
	r.driver.Abort(func(s *stream.Session) bool { return s.Listen != other.listen }, stream.NewBudget(100))
	must(r, expectEnd(behind))
	io.Copy(io.Discard, waiting)
	testwait.Eventually(r, "both have finished", func() bool { return r.finished() == 2 })
	for _, o := range r.outcomes() {
		if o.count(stream.Aborted) != 1 || o.count(stream.Failed) != 0 {
			r.Errorf("got %d aborts, %d failures; want 1, 0", o.count(stream.Aborted), o.count(stream.Failed))
		}
	}
	client := r.tlsClient(spared)
	must(r, client.tls.Handshake())
}

// A abortingConn writes in two halves, with an Abort between them that the session must receive.
type abortingConn struct {
	duplex
	r *rig
}

// Write writes b.
func (c abortingConn) Write(b []byte) (int, error) {
	half := len(b) / 2
	if n, err := c.duplex.Write(b[:half]); err != nil {
		return n, err
	}
	before := c.r.aborts()
	c.r.driver.Abort(allSessions, nil)
	testwait.Eventually(c.r, "the session receives the abort", func() bool { return c.r.aborts() > before })
	n, err := c.duplex.Write(b[half:])
	return half + n, err
}

// aborts counts the events Aborted of sessions that have not finished.
func (r *rig) aborts() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, events := range r.events {
		n += outcome{events: events}.count(stream.Aborted)
	}
	return n
}

// handshakeIgnoresAbort aborts handshakes in the middle of each message, on either side; the session ignores
// the aborts.
func handshakeIgnoresAbort(r *rig) {
	p := r.withTLS("tcp", ends{client: true, server: true}, &Proxy{Spec: spec(), IgnoreAborts: true})
	plain := p.dial()
	testwait.Eventually(r, "the session has begun", func() bool { return r.lines.Count("connected to") == 1 })
	client := tlsConn{plain, tls.Client(abortingConn{plain, r}, testTLS(r).client)}
	must(r, client.tls.Handshake())
	plain = p.accept()
	server := tlsConn{plain, tls.Server(abortingConn{plain, r}, testTLS(r).server)}
	must(r, server.tls.Handshake())
	send(r, client, "ping")
	expect(r, server, "ping")
	client.Close()
	if o := r.outcome(); o.count(stream.Aborted) < 4 || o.count(stream.HandshakeDone) != 2 || o.count(stream.Failed) != 0 {
		r.Errorf("got %d aborts, %d handshakes, %d failures; want several, 2, 0",
			o.count(stream.Aborted), o.count(stream.HandshakeDone), o.count(stream.Failed))
	}
}

func tlsRelayAborted(r *rig) {
	e := ends{client: true, server: true}
	client, server := r.withTLS("tcp", e, &Proxy{Spec: spec(), IgnoreAborts: true}).tlsPair(e)
	send(r, client, "ping")
	expect(r, server, "ping")
	const total = 1 << 20
	steps := pacing{seed: 1, max: 4096, every: 4, pause: time.Millisecond}
	concurrently(r,
		func() error { return steps.write(client, 1, total) },
		func() error { return steps.expect(server, 1, total) },
		func() error { return steps.write(server, 2, total) },
		func() error { return steps.expect(client, 2, total) },
		func() error {
			for range 20 {
				r.driver.Abort(allSessions, nil)
				time.Sleep(5 * time.Millisecond)
			}
			return nil
		})
	client.Close()
	if o := r.outcome(); o.count(stream.Aborted) == 0 || o.end != relay.ClientEOF || o.fromClient != total+4 || o.toClient != total {
		r.Errorf("got %d aborts, %v, %d up, %d down", o.count(stream.Aborted), o.end, o.fromClient, o.toClient)
	}
}

// handshakeDriverCloses closes the driver during handshakes and relays on either side.
func handshakeDriverCloses(r *rig) {
	p, q := r.withTLS("tcp", ends{client: true}, &Proxy{Spec: spec()}), r.withTLS("tcp", ends{server: true}, &Proxy{Spec: spec()})
	waiting, behind := p.dial(), q.dial()
	send(r, waiting, "\x16\x03\x01")
	io.ReadFull(q.accept(), make([]byte, 10))
	e := ends{client: true, server: true}
	client, server := r.withTLS("tcp", e, &Proxy{Spec: spec()}).tlsPair(e)
	send(r, client, "ping")
	expect(r, server, "ping")
	testwait.Eventually(r, "all are accepted", func() bool { return r.lines.Count("connected to") == 3 })
	must(r, r.driver.Close())
	for _, c := range []duplex{waiting, behind} {
		io.Copy(io.Discard, c) // returns when the connection ends
	}
	if n := r.finished(); n != 0 {
		r.Errorf("%d sessions have finished, want none", n)
	}
}

// tlsReset resets a connection below its TLS.
func tlsReset(r *rig) {
	e := ends{client: true}
	client, server := r.withTLS("tcp", e, &Proxy{Spec: spec()}).tlsPair(e)
	send(r, client, "ping")
	expect(r, server, "ping")
	reset(client.(tlsConn).duplex)
	must(r, expectEnd(server))
	o := r.outcome()
	if o.end != relay.ClientError || o.fromClient != 4 {
		r.Errorf("got %v after %d bytes, want a client error after 4", o.end, o.fromClient)
	}
	wantReadReset(r, o, stream.ClientSide)
}

// tlsCut ends a connection below its TLS, in the middle of a record, which counts as the end.
func tlsCut(r *rig) {
	e := ends{client: true, server: true}
	client, server := r.withTLS("tcp", e, &Proxy{Spec: spec()}).tlsPair(e)
	send(r, client, "ping")
	expect(r, server, "ping")
	send(r, server.(tlsConn).duplex, "\x17\x03\x03\x00\x20half")
	server.(tlsConn).duplex.Close()
	must(r, expectEnd(client))
	if o := r.outcome(); o.end != relay.UpstreamEOF || o.count(stream.Failed) != 0 {
		r.Errorf("got %v, %d failures; want upstream EOF, none", o.end, o.count(stream.Failed))
	}
}

// tlsInvalidRecord sends bytes that are not encrypted.
func tlsInvalidRecord(r *rig) {
	e := ends{client: true}
	client, server := r.withTLS("tcp", e, &Proxy{Spec: spec()}).tlsPair(e)
	send(r, client, "ping")
	expect(r, server, "ping")
	send(r, client.(tlsConn).duplex, "\x17\x03\x03\x00\x05hello")
	must(r, expectEnd(server))
	o := r.outcome()
	if ev := o.failure(); o.end != relay.ClientError || ev.Side != stream.ClientSide || ev.Op != stream.OpRecv || o.fromClient != 4 {
		r.Errorf("got %v, side %d, %v, after %d bytes; want a client error of recv() after 4", o.end, ev.Side, ev.Op, o.fromClient)
	}
}
