package drivertest

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"weir/internal/relay"
	"weir/stream"
)

var shakeTests = []driverTest{
	{"TLS with the client", func(r *rig) { shakeMany(r, "tcp", ends{client: true}, spec(), 1) }},
	{"TLS with the server", func(r *rig) { shakeMany(r, "tcp", ends{server: true}, spec(), 2) }},
	{"TLS with both", func(r *rig) { shakeMany(r, "tcp", ends{client: true, server: true}, spec(), 3) }},
	{"TLS with both over unix sockets", func(r *rig) { shakeMany(r, "unix", ends{client: true, server: true}, spec(), 4) }},
	{"TLS 1.2 with both", func(r *rig) {
		shakeMany(r, "tcp", ends{client: true, server: true, version: tls.VersionTLS12}, spec(), 5)
	}},
	{"TLS with half closes", func(r *rig) {
		s := spec()
		s.HalfClose = true
		shakeMany(r, "tcp", ends{client: true, server: true}, s, 6)
	}},
	{"TLS with rates", shakeRated},
	{"TLS, slow client", func(r *rig) { shakeSlowly(r, false) }},
	{"TLS, slow server", func(r *rig) { shakeSlowly(r, true) }},
	{"handshake that began behind a PROXY header", shakeAfterHeader},
	{"what is read after a handshake goes to the server's", shakeThenHead},
	{"plain words before a handshake with the server", helloThenShake},
	{"the session is in the handshake's context", shakeInContext},
	{"the end of TLS is told", shakeEnds},
}

// ends selects the ends that use TLS.
type ends struct {
	client, server bool
	version        uint16 // 0 allows any
}

// secured starts a server for a Secured, and the driver before it.
func (r *rig) secured(network string, c *Secured, settings ...setting) *passage {
	r.Helper()
	l := r.socket(network)
	if c.Proxy.To == nil {
		c.Proxy.To = []stream.Addr{addrOf(l.Addr())}
	}
	c.Proxy.Saw = r.watching(c.Proxy.Saw)
	return &passage{r.listenOn(network, r.server(c), settings...), l}
}

// shielded is secured with TLS on the sides that e selects.
func (r *rig) shielded(network string, e ends, p *Proxy) *passage {
	r.Helper()
	c := &Secured{Proxy: p, Timeout: patience}
	if e.client {
		c.Client = trusting(r).server
	}
	if e.server {
		c.Upstream = trusting(r).client
	}
	return r.secured(network, c)
}

// A veil is a TLS connection, with the methods that the tests need.
type veil struct {
	duplex
	tls *tls.Conn
}

// Read reads decrypted bytes.
func (v veil) Read(b []byte) (int, error) { return v.tls.Read(b) }

// Write writes b encrypted.
func (v veil) Write(b []byte) (int, error) { return v.tls.Write(b) }

// CloseWrite ends the output of TLS and of the connection.
func (v veil) CloseWrite() error {
	if err := v.tls.CloseWrite(); err != nil {
		return err
	}
	return v.duplex.CloseWrite()
}

// Close closes both.
func (v veil) Close() error { return v.tls.Close() }

// asClient and asServer return the TLS ends of the tests.
func (r *rig) asClient(c duplex) veil { return veil{c, tls.Client(c, trusting(r).client)} }
func (r *rig) asServer(c duplex) veil { return veil{c, tls.Server(c, trusting(r).server)} }

// veiled starts a session, and returns its two ends after the handshakes.
func (p *passage) veiled(e ends) (client, server duplex) {
	p.Helper()
	client = p.dial()
	if e.client {
		config := trusting(p).client.Clone()
		config.MaxVersion = e.version
		v := veil{client, tls.Client(client, config)}
		must(p, v.tls.Handshake())
		client = v
	}
	server = p.accept()
	if e.server {
		config := trusting(p).server.Clone()
		config.MaxVersion = e.version
		v := veil{server, tls.Server(server, config)}
		must(p, v.tls.Handshake())
		server = v
	}
	return client, server
}

// shakeMany relays n sessions with handshakes at once.
func shakeMany(r *rig, network string, e ends, spec *relay.Spec, seed uint64) {
	const n = 6
	rnd := rand.New(rand.NewPCG(seed, 2))
	p := r.shielded(network, e, &Proxy{Spec: spec})
	var tasks []func() error
	for range n {
		client, server := p.veiled(e)
		tasks = append(tasks, conversation(client, server, spec.HalfClose, rnd)...)
	}
	together(r, tasks...)
	if r.Failed() {
		return
	}
	eventually(r, "all sessions have finished", func() bool { return r.finished() == n })
	for _, o := range r.ended {
		if o.status != stream.StatusOK || o.end != relay.UpstreamEOF || o.fromClient != o.toUpstream || o.fromUpstream != o.toClient {
			r.Errorf("got %d, %v, %d and %d bytes up, %d and %d down; want 200, upstream EOF, all alike",
				o.status, o.end, o.fromClient, o.toUpstream, o.fromUpstream, o.toClient)
		}
	}
}

func shakeRated(r *rig) {
	s := spec()
	s.Upload, s.Download = 20_000, 20_000
	e := ends{client: true, server: true}
	client, server := r.shielded("tcp", e, &Proxy{Spec: s}).veiled(e)
	const total = 30_000
	start := time.Now()
	together(r, func() error { return brisk.write(client, 1, total) }, func() error { return brisk.expect(server, 1, total) },
		func() error { return brisk.write(server, 2, total) }, func() error { return brisk.expect(client, 2, total) })
	if took := time.Since(start); took < 400*time.Millisecond {
		r.Errorf("30,000 bytes at 20,000 a second came in %v", took)
	}
}

// shakeSlowly makes one end read much later than the other writes: encrypted bytes wait.
func shakeSlowly(r *rig, up bool) {
	e := ends{client: true, server: true}
	s := spec()
	s.BufferSize = 16 << 10
	client, server := r.shielded("tcp", e, &Proxy{Spec: s}).veiled(e)
	from, to := server, client
	if up {
		from, to = client, server
	}
	to.SetReadBuffer(window)
	const total = 6 << 20
	slow := gait{seed: 4, max: 64 << 10, every: 8, pause: 10 * time.Millisecond}
	together(r, func() error { return brisk.write(from, 5, total) }, func() error { return slow.expect(to, 5, total) })
	client.Close()
	o := r.outcome()
	if got := max(o.toClient, o.toUpstream); got != total {
		r.Errorf("%d bytes are counted, want %d", got, total)
	}
}

// batched writes the bytes of the first write to the connection in one piece, after before.
type batched struct {
	net.Conn
	before []byte
}

// Write writes b, the first time together with before.
func (c *batched) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(append(c.before, b...))
	n -= len(c.before)
	c.before = nil
	return n, err
}

func shakeAfterHeader(r *rig) {
	c := &Secured{Proxy: &Proxy{Spec: spec()}, Client: trusting(r).server}
	p := r.secured("tcp", c, func(l *stream.Listen) { l.ProxyProtocol = true })
	plain := p.dial()
	v := veil{plain, tls.Client(&batched{plain, []byte("PROXY TCP4 192.0.2.1 192.0.2.2 1000 1883\r\n")}, trusting(r).client)}
	say(r, v, "hello")
	server := p.accept()
	hear(r, server, "hello")
	say(r, server, "hi")
	hear(r, v, "hi")
	v.Close()
	if o := r.outcome(); o.fromClient != 5 || o.toClient != 2 || o.count(stream.HandshakeDone) != 1 {
		r.Errorf("got %d bytes up, %d down, %d handshakes; want 5, 2, 1", o.fromClient, o.toClient, o.count(stream.HandshakeDone))
	}
}

// reading is a content that reads from the client, after the handshake, before it continues.
type reading struct {
	*Secured
	want int
}

// Next reads until there is enough.
func (c *reading) Next(s *stream.Session, ev stream.Event) stream.Step {
	g, _ := greetings.Get(s)
	if g.client || ev.Kind != stream.HandshakeDone && ev.Kind != stream.Bytes {
		return c.Secured.Next(s, ev)
	}
	s.Head = append(s.Head, ev.Data...)
	if len(s.Head) < c.want {
		return stream.Step{Do: stream.Read, Max: c.want}
	}
	return c.Secured.Next(s, stream.Event{Kind: stream.HandshakeDone})
}

// shakeThenHead makes a content read bytes that came through TLS, and send them as the first bytes
// after the handshake with the server.
func shakeThenHead(r *rig) {
	l := r.socket("tcp")
	proxy := &Proxy{To: []stream.Addr{addrOf(l.Addr())}, Spec: spec(), Saw: r.saw}
	c := &reading{&Secured{Proxy: proxy, Client: trusting(r).server, Upstream: trusting(r).client}, 5}
	p := &passage{r.listenOn("tcp", r.server(c)), l}
	client := r.asClient(p.dial())
	say(r, client, "CONNECT and more")
	server := r.asServer(p.accept())
	hear(r, server, "CONNECT and more")
	client.Close()
	if o := r.outcome(); o.fromClient != 16 || o.toUpstream != 16 {
		r.Errorf("got %d bytes from the client, %d to the server; want 16, 16", o.fromClient, o.toUpstream)
	}
}

func helloThenShake(r *rig) {
	c := &Secured{Proxy: &Proxy{Spec: spec()}, Upstream: trusting(r).client, Hello: []byte("PROXY UNKNOWN\r\n")}
	p := r.secured("tcp", c, preread(atLeast(4)))
	client := p.dial()
	say(r, client, "ping")
	plain := p.accept()
	hear(r, plain, "PROXY UNKNOWN\r\n")
	server := r.asServer(plain)
	hear(r, server, "ping")
	say(r, server, "pong")
	hear(r, client, "pong")
	client.Close()
	if o := r.outcome(); o.toUpstream != int64(len("PROXY UNKNOWN\r\nping")) || o.toClient != 4 {
		r.Errorf("got %d bytes up, %d down", o.toUpstream, o.toClient)
	}
}

// shakeInContext changes the session in a callback, while Abort matches sessions concurrently.
func shakeInContext(r *rig) {
	config := trusting(r).server.Clone()
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		s := stream.SessionOf(hello.Context())
		if s == nil {
			return nil, fmt.Errorf("no session")
		}
		s.Tries = append(s.Tries, stream.Try{Name: hello.ServerName})
		return nil, nil
	}
	named := make(chan string, 1)
	c := &Secured{Client: config, Proxy: &Proxy{Spec: spec(), Saw: func(s *stream.Session, ev stream.Event) {
		if ev.Kind == stream.HandshakeDone {
			named <- s.Tries[0].Name + " " + ev.TLS.ServerName
		}
	}}}
	p := r.secured("tcp", c)
	v := r.asClient(p.dial())
	asked := func(s *stream.Session) bool { return len(s.Tries) > 9 }
	together(r, v.tls.Handshake, func() error {
		for range 20 {
			r.driver.Abort(asked, stream.Pace{})
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

// shakeEnds expects a TLS alert after the last bytes at both ends: without it, an attacker may have
// cut the connection. In TLS 1.2 the type of a record is visible.
func shakeEnds(r *rig) {
	const alert = 21
	p := r.shielded("tcp", ends{client: true, server: true}, &Proxy{Spec: spec()})
	for i, clientFirst := range []bool{true, false} {
		config := trusting(r).client.Clone()
		config.MaxVersion = tls.VersionTLS12
		clientTap := &tap{Conn: p.dial()}
		client := tls.Client(clientTap, config)
		must(r, client.Handshake())
		config = trusting(r).server.Clone()
		config.MaxVersion = tls.VersionTLS12
		serverTap := &tap{Conn: p.accept()}
		server := tls.Server(serverTap, config)
		first, second, heard := client, server, serverTap
		if !clientFirst {
			first, second, heard = server, client, clientTap
		}
		must(r, server.Handshake())
		say(r, first, "last words")
		first.Close()
		hear(r, second, "last words")
		must(r, expectEnd(second))
		if kind := heard.lastRecord(); kind != alert {
			r.Errorf("the last record is of type %d, want an alert", kind)
		}
		eventually(r, "the session has finished", func() bool { return r.finished() == i+1 })
	}
	for _, o := range r.ended {
		if o.count(stream.Failed) != 0 || o.status != stream.StatusOK {
			r.Errorf("got %d failures, status %d", o.count(stream.Failed), o.status)
		}
	}
}
