package drivertest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"weir/internal/relay"
	"weir/internal/testwait"
	"weir/stream"
)

var handshakeTests = []driverTest{
	{"TLS with the client", func(r *rig) { relayTLS(r, "tcp", ends{client: true}, spec(), 1) }},
	{"TLS with the server", func(r *rig) { relayTLS(r, "tcp", ends{server: true}, spec(), 2) }},
	{"TLS with both", func(r *rig) { relayTLS(r, "tcp", ends{client: true, server: true}, spec(), 3) }},
	{"TLS with both over unix sockets", func(r *rig) { relayTLS(r, "unix", ends{client: true, server: true}, spec(), 4) }},
	{"TLS 1.2 with both", func(r *rig) {
		relayTLS(r, "tcp", ends{client: true, server: true, version: tls.VersionTLS12}, spec(), 5)
	}},
	{"TLS with half closes", func(r *rig) {
		s := spec()
		s.HalfClose = true
		relayTLS(r, "tcp", ends{client: true, server: true}, s, 6)
	}},
	{"TLS with rates", tlsRates},
	{"TLS, slow client", func(r *rig) { tlsSlowReader(r, false) }},
	{"TLS, slow server", func(r *rig) { tlsSlowReader(r, true) }},
	{"handshake after a PROXY header", handshakeAfterHeader},
	{"bytes read between the two handshakes", headAfterHandshake},
	{"wait after the handshake with the client", waitAfterHandshake},
	{"plain bytes before a handshake with the server", bytesBeforeHandshake},
	{"prepared handshake with the server", preparedHandshake},
	{"handshake that cannot be prepared", unpreparedHandshake},
	{"session in the handshake's context", sessionInContext},
	{"TLS ends with an alert", tlsCloseAlert},
}

// ends selects the ends that use TLS.
type ends struct {
	client, server bool
	version        uint16 // 0 allows any
}

// startTLS starts a server for a TLSContent, and the driver before it.
func (r *rig) startTLS(network string, c *TLSContent, settings ...listenOption) *proxyFrontend {
	r.Helper()
	l := r.socket(network)
	if c.Proxy.To == nil {
		c.Proxy.To = []stream.Addr{addrOf(l.Addr())}
	}
	c.Proxy.OnEvent = r.recording(c.Proxy.OnEvent)
	return &proxyFrontend{r.listenOn(network, r.server(c), settings...), l}
}

// withTLS calls startTLS with TLS on the sides that e selects.
func (r *rig) withTLS(network string, e ends, p *Proxy) *proxyFrontend {
	r.Helper()
	c := &TLSContent{Proxy: p, Timeout: testwait.Patience}
	if e.client {
		c.Client = testTLS(r).server
	}
	if e.server {
		c.Upstream = testTLS(r).client
	}
	return r.startTLS(network, c)
}

// A tlsConn is a TLS connection, with the methods that the tests need.
type tlsConn struct {
	duplex
	tls *tls.Conn
}

// Read reads decrypted bytes.
func (v tlsConn) Read(b []byte) (int, error) { return v.tls.Read(b) }

// Write writes b encrypted.
func (v tlsConn) Write(b []byte) (int, error) { return v.tls.Write(b) }

// CloseWrite ends the output of TLS and of the connection.
func (v tlsConn) CloseWrite() error {
	if err := v.tls.CloseWrite(); err != nil {
		return err
	}
	return v.duplex.CloseWrite()
}

// Close closes both.
func (v tlsConn) Close() error { return v.tls.Close() }

// tlsClient and asServer return the TLS ends of the tests.
func (r *rig) tlsClient(c duplex) tlsConn { return tlsConn{c, tls.Client(c, testTLS(r).client)} }
func (r *rig) tlsServer(c duplex) tlsConn { return tlsConn{c, tls.Server(c, testTLS(r).server)} }

// tlsPair starts a session, and returns its two ends after the handshakes.
func (p *proxyFrontend) tlsPair(e ends) (client, server duplex) {
	p.Helper()
	client = p.dial()
	if e.client {
		config := testTLS(p).client.Clone()
		config.MaxVersion = e.version
		v := tlsConn{client, tls.Client(client, config)}
		must(p, v.tls.Handshake())
		client = v
	}
	server = p.accept()
	if e.server {
		config := testTLS(p).server.Clone()
		config.MaxVersion = e.version
		v := tlsConn{server, tls.Server(server, config)}
		must(p, v.tls.Handshake())
		server = v
	}
	return client, server
}

// relayTLS relays n sessions with handshakes at once.
func relayTLS(r *rig, network string, e ends, spec *relay.Spec, seed uint64) {
	const n = 6
	rnd := rand.New(rand.NewPCG(seed, 2))
	p := r.withTLS(network, e, &Proxy{Spec: spec})
	var tasks []func() error
	for range n {
		client, server := p.tlsPair(e)
		tasks = append(tasks, conversation(client, server, spec.HalfClose, rnd)...)
	}
	concurrently(r, tasks...)
	if r.Failed() {
		return
	}
	testwait.Eventually(r, "all sessions have finished", func() bool { return r.finished() == n })
	for _, o := range r.outcomes() {
		if o.status != stream.StatusOK || o.end != relay.UpstreamEOF || o.fromClient != o.toUpstream || o.fromUpstream != o.toClient {
			r.Errorf("got %d, %v, %d and %d bytes up, %d and %d down; want 200, upstream EOF, all alike",
				o.status, o.end, o.fromClient, o.toUpstream, o.fromUpstream, o.toClient)
		}
	}
}

func tlsRates(r *rig) {
	s := spec()
	s.Upload, s.Download = 20_000, 20_000
	e := ends{client: true, server: true}
	client, server := r.withTLS("tcp", e, &Proxy{Spec: s}).tlsPair(e)
	const total = 30_000
	start := time.Now()
	concurrently(r, func() error { return unpaced.write(client, 1, total) }, func() error { return unpaced.expect(server, 1, total) },
		func() error { return unpaced.write(server, 2, total) }, func() error { return unpaced.expect(client, 2, total) })
	if took := time.Since(start); took < 400*time.Millisecond {
		r.Errorf("30,000 bytes at 20,000 a second took %v", took)
	}
}

// tlsSlowReader makes one end read much later than the other writes: encrypted bytes wait.
func tlsSlowReader(r *rig, up bool) {
	e := ends{client: true, server: true}
	s := spec()
	s.BufferSize = 16 << 10
	client, server := r.withTLS("tcp", e, &Proxy{Spec: s}).tlsPair(e)
	from, to := server, client
	if up {
		from, to = client, server
	}
	to.SetReadBuffer(window)
	const total = 6 << 20
	slow := pacing{seed: 4, max: 64 << 10, every: 8, pause: 10 * time.Millisecond}
	concurrently(r, func() error { return unpaced.write(from, 5, total) }, func() error { return slow.expect(to, 5, total) })
	client.Close()
	o := r.outcome()
	if got := max(o.toClient, o.toUpstream); got != total {
		r.Errorf("%d bytes are counted, want %d", got, total)
	}
}

// prefixConn writes the bytes of the first write to the connection in one piece, after before.
type prefixConn struct {
	net.Conn
	prefix []byte
}

// Write writes b, the first time together with before.
func (c *prefixConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(append(c.prefix, b...))
	n -= len(c.prefix)
	c.prefix = nil
	return n, err
}

func handshakeAfterHeader(r *rig) {
	c := &TLSContent{Proxy: &Proxy{Spec: spec()}, Client: testTLS(r).server}
	p := r.startTLS("tcp", c, func(l *stream.Listen) { l.ProxyProtocol = true })
	plain := p.dial()
	v := tlsConn{plain, tls.Client(&prefixConn{plain, []byte("PROXY TCP4 192.0.2.1 192.0.2.2 1000 1883\r\n")}, testTLS(r).client)}
	send(r, v, "hello")
	server := p.accept()
	expect(r, server, "hello")
	send(r, server, "hi")
	expect(r, v, "hi")
	v.Close()
	if o := r.outcome(); o.fromClient != 5 || o.toClient != 2 || o.count(stream.HandshakeDone) != 1 {
		r.Errorf("got %d bytes up, %d down, %d handshakes; want 5, 2, 1", o.fromClient, o.toClient, o.count(stream.HandshakeDone))
	}
}

// readingContent is a content that reads from the client, after the handshake, before it continues.
type readingContent struct {
	*TLSContent
	want int
}

// Next reads until there is enough.
func (c *readingContent) Next(s *stream.Session, ev stream.Event) stream.Step {
	g, _ := handshakeKey.Get(s)
	if g.clientDone || ev.Kind != stream.HandshakeDone && ev.Kind != stream.Bytes {
		return c.TLSContent.Next(s, ev)
	}
	s.Head = append(s.Head, ev.Data...)
	if len(s.Head) < c.want {
		return stream.Step{Do: stream.Read, Max: c.want}
	}
	return c.TLSContent.Next(s, stream.Event{Kind: stream.HandshakeDone})
}

// headAfterHandshake makes a content read bytes that came through TLS, and send them as the first bytes
// after the handshake with the server.
func headAfterHandshake(r *rig) {
	l := r.socket("tcp")
	proxy := &Proxy{To: []stream.Addr{addrOf(l.Addr())}, Spec: spec(), OnEvent: r.recordEvent}
	c := &readingContent{&TLSContent{Proxy: proxy, Client: testTLS(r).server, Upstream: testTLS(r).client}, 5}
	p := &proxyFrontend{r.listenOn("tcp", r.server(c)), l}
	client := r.tlsClient(p.dial())
	send(r, client, "CONNECT and more")
	server := r.tlsServer(p.accept())
	expect(r, server, "CONNECT and more")
	client.Close()
	if o := r.outcome(); o.fromClient != 16 || o.toUpstream != 16 {
		r.Errorf("got %d bytes from the client, %d to the server; want 16, 16", o.fromClient, o.toUpstream)
	}
}

// waitingContent is a readingContent that waits for a Lookup before it reads. It serves one session.
type waitingContent struct {
	*readingContent
	lookup   *Lookup
	resolved bool
}

// Next waits after the handshake.
func (c *waitingContent) Next(s *stream.Session, ev stream.Event) stream.Step {
	switch {
	case c.resolved:
		return c.readingContent.Next(s, ev)
	case ev.Kind == stream.HandshakeDone:
		return stream.Step{Do: stream.Resolve, Lookup: c.lookup, Deadline: s.Env.Now().Add(testwait.Patience)}
	case ev.Kind == stream.Resolved:
		c.resolved = true
		return c.readingContent.Next(s, stream.Event{Kind: stream.HandshakeDone})
	}
	return stream.Step{}
}

// waitAfterHandshake checks that a session can read what its client has sent while it waited.
func waitAfterHandshake(r *rig) {
	l := r.socket("tcp")
	proxy := &Proxy{To: []stream.Addr{addrOf(l.Addr())}, Spec: spec(), OnEvent: r.recordEvent}
	reading := &readingContent{&TLSContent{Proxy: proxy, Client: testTLS(r).server}, 5}
	c := &waitingContent{readingContent: reading, lookup: &Lookup{}}
	p := &proxyFrontend{r.listenOn("tcp", r.server(c)), l}
	client := r.tlsClient(p.dial())
	send(r, client, "CONNECT and more")
	testwait.Eventually(r, "the lookup begins", c.lookup.hasBegun)
	go c.lookup.Answer()
	server := p.accept()
	expect(r, server, "CONNECT and more")
	client.Close()
	if o := r.outcome(); o.fromClient != 16 || o.toUpstream != 16 {
		r.Errorf("got %d bytes from the client, %d to the server; want 16, 16", o.fromClient, o.toUpstream)
	}
}

// preparingContent is a TLSContent whose handshakes with the server are prepared.
type preparingContent struct {
	*TLSContent
	err error // of the preparation
}

// Next replaces the configuration of the step.
func (c *preparingContent) Next(s *stream.Session, ev stream.Event) stream.Step {
	step := c.TLSContent.Next(s, ev)
	if step.Do == stream.HandshakeUpstream {
		config := step.TLS
		step.TLS, step.Prepare = nil, func() (*tls.Config, error) { return config, c.err }
	}
	return step
}

// startPreparing serves with a content whose preparation returns err.
func (r *rig) startPreparing(err error) *proxyFrontend {
	l := r.socket("tcp")
	proxy := &Proxy{To: []stream.Addr{addrOf(l.Addr())}, Spec: spec(), OnEvent: r.recordEvent}
	c := &preparingContent{&TLSContent{Proxy: proxy, Upstream: testTLS(r).client}, err}
	return &proxyFrontend{r.listenOn("tcp", r.server(c)), l}
}

func preparedHandshake(r *rig) {
	p := r.startPreparing(nil)
	client := p.dial()
	server := r.tlsServer(p.accept())
	send(r, client, "ping")
	expect(r, server, "ping")
	send(r, server, "pong")
	expect(r, client, "pong")
	client.Close()
	if o := r.outcome(); o.toUpstream != 4 || o.toClient != 4 || o.count(stream.HandshakeDone) != 1 {
		r.Errorf("got %d bytes up, %d down, %d handshakes", o.toUpstream, o.toClient, o.count(stream.HandshakeDone))
	}
}

func unpreparedHandshake(r *rig) {
	reason := errors.New("no certificate")
	p := r.startPreparing(reason)
	p.dial()
	p.accept()
	wantHandshakeFailure(r, stream.UpstreamSide, reason)
}

func bytesBeforeHandshake(r *rig) {
	c := &TLSContent{Proxy: &Proxy{Spec: spec()}, Upstream: testTLS(r).client, Preamble: []byte("PROXY UNKNOWN\r\n")}
	p := r.startTLS("tcp", c, preread(atLeast(4)))
	client := p.dial()
	send(r, client, "ping")
	plain := p.accept()
	expect(r, plain, "PROXY UNKNOWN\r\n")
	server := r.tlsServer(plain)
	expect(r, server, "ping")
	send(r, server, "pong")
	expect(r, client, "pong")
	client.Close()
	if o := r.outcome(); o.toUpstream != int64(len("PROXY UNKNOWN\r\nping")) || o.toClient != 4 {
		r.Errorf("got %d bytes up, %d down", o.toUpstream, o.toClient)
	}
}

// sessionInContext changes the session in a callback, while Abort matches sessions concurrently.
func sessionInContext(r *rig) {
	config := testTLS(r).server.Clone()
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		s := stream.SessionOf(hello.Context())
		if s == nil {
			return nil, fmt.Errorf("no session")
		}
		s.Tries = append(s.Tries, stream.Try{Name: hello.ServerName})
		return nil, nil
	}
	named := make(chan string, 1)
	c := &TLSContent{Client: config, Proxy: &Proxy{Spec: spec(), OnEvent: func(s *stream.Session, ev stream.Event) {
		if ev.Kind == stream.HandshakeDone {
			named <- s.Tries[0].Name + " " + ev.TLS.ServerName
		}
	}}}
	p := r.startTLS("tcp", c)
	v := r.tlsClient(p.dial())
	match := func(s *stream.Session) bool { return len(s.Tries) > 9 }
	concurrently(r, v.tls.Handshake, func() error {
		for range 20 {
			r.driver.Abort(match, nil)
		}
		return nil
	})
	if got := <-named; got != serverName+" "+serverName {
		r.Errorf("got %q", got)
	}
	v.Close()
	r.outcome()
}

// A tap stores the bytes read from a connection.
type tap struct {
	net.Conn
	got []byte
}

// Read reads and stores the bytes.
func (c *tap) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.got = append(c.got, b[:n]...)
	return n, err
}

// lastRecord returns the type of the last TLS record.
func (c *tap) lastRecord() (kind byte) {
	const header = 5
	for b := c.got; len(b) >= header; {
		kind = b[0]
		b = b[min(header+int(b[3])<<8+int(b[4]), len(b)):]
	}
	return kind
}

// tlsCloseAlert expects a TLS alert after the last bytes at both ends: without it, an attacker may have
// cut the connection. In TLS 1.2 the type of a record is visible.
func tlsCloseAlert(r *rig) {
	const alert = 21
	p := r.withTLS("tcp", ends{client: true, server: true}, &Proxy{Spec: spec()})
	for i, clientFirst := range []bool{true, false} {
		config := testTLS(r).client.Clone()
		config.MaxVersion = tls.VersionTLS12
		clientTap := &tap{Conn: p.dial()}
		client := tls.Client(clientTap, config)
		must(r, client.Handshake())
		config = testTLS(r).server.Clone()
		config.MaxVersion = tls.VersionTLS12
		serverTap := &tap{Conn: p.accept()}
		server := tls.Server(serverTap, config)
		first, second, reader := client, server, serverTap
		if !clientFirst {
			first, second, reader = server, client, clientTap
		}
		must(r, server.Handshake())
		send(r, first, "last bytes")
		first.Close()
		expect(r, second, "last bytes")
		must(r, expectEnd(second))
		if kind := reader.lastRecord(); kind != alert {
			r.Errorf("the last record is of type %d, want an alert", kind)
		}
		testwait.Eventually(r, "the session has finished", func() bool { return r.finished() == i+1 })
	}
	for _, o := range r.outcomes() {
		if o.count(stream.Failed) != 0 || o.status != stream.StatusOK {
			r.Errorf("got %d failures, status %d", o.count(stream.Failed), o.status)
		}
	}
}
