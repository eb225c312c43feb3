package drivertest

import (
	"errors"
	"io"
	"syscall"
	"time"

	"weir/internal/testwait"
	"weir/stream"
)

var clientTests = []driverTest{
	{"read up to its maximum", readMax},
	{"read timeout", readTimeout},
	{"read sees the end", readEnd},
	{"PROXY header", proxyHeader},
	{"refused client sees a reset", refusedClient},
	{"finish with bytes read and not sent", finishReset},
	{"reply", reply},
	{"long reply to a slow client", longReply},
	{"reply that is not read", stuckReply},
	{"reply to a client that resets", resetReply},
	{"panic in a content", panicking},
}

// lengths is a preread handler that records the length of Head each time, and asks for more until
// it has enough bytes.
type lengths struct {
	want int
	seen chan int
}

// Handle records the length, and asks for more.
func (l *lengths) Handle(s *stream.Session) (stream.Verdict, error) {
	l.seen <- len(s.Head)
	if len(s.Head) < l.want {
		return stream.More, nil
	}
	return stream.Done, nil
}

func readMax(r *rig) {
	l := &lengths{want: 10, seen: make(chan int, 100)}
	p := r.proxied(&Proxy{Spec: spec()}, preread(l), func(l *stream.Listen) { l.Default.Settings.PrereadBufferSize = 10 })
	client := p.dial()
	send(r, client, "0123456789abcdef")
	server := p.accept()
	expect(r, server, "0123456789abcdef")
	client.Close()
	r.outcome()
	close(l.seen)
	for n := range l.seen {
		if n > 10 {
			r.Errorf("%d bytes were read, want at most 10", n)
		}
	}
}

// readTimeout sends bytes all the time, which does not extend the timeout.
func readTimeout(r *rig) {
	p := r.proxied(&Proxy{Spec: spec()}, preread(atLeast(1<<20)),
		func(l *stream.Listen) { l.Default.Settings.PrereadTimeout = 200 * time.Millisecond })
	start := time.Now()
	client := p.dial()
	var err error
	for err == nil && time.Since(start) < testwait.Patience {
		_, err = client.Write([]byte("x"))
		time.Sleep(time.Millisecond)
	}
	if took := time.Since(start); took < 190*time.Millisecond || !errors.Is(err, syscall.ECONNRESET) {
		r.Errorf("ended after %v with %v, want a reset after 200ms", took, err)
	}
	if o := r.outcome(); o.status != stream.StatusOK {
		r.Errorf("got %d, want 200", o.status)
	}
}

func readEnd(r *rig) {
	p := r.proxied(&Proxy{Spec: spec()}, preread(atLeast(10)))
	client := p.dial()
	client.CloseWrite()
	must(r, expectEnd(client))
	if o := r.outcome(); o.status != stream.StatusOK {
		r.Errorf("got %d, want 200", o.status)
	}
}

func proxyHeader(r *rig) {
	p := r.proxied(&Proxy{Spec: spec()}, func(l *stream.Listen) { l.ProxyProtocol = true })
	client := p.dial()
	send(r, client, "PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\nhello")
	server := p.accept()
	expect(r, server, "hello")
	client.Close()
	if o := r.outcome(); o.fromClient != 5 {
		r.Errorf("got %d bytes from the client, want 5", o.fromClient)
	}
}

// denyAll is an access handler that refuses every client.
type denyAll struct{}

// Handle refuses the client.
func (denyAll) Handle(*stream.Session) (stream.Verdict, error) {
	return stream.Verdict(stream.StatusForbidden), nil
}

// refusedClient refuses a client whose bytes are unread.
func refusedClient(r *rig) {
	server := r.server(&Reply{})
	server.Handlers[stream.Access] = []stream.Handler{denyAll{}}
	f := r.bind("tcp", server)
	client := f.dial()
	send(r, client, "hello")
	must(r, r.driver.Listen(f.listener))
	must(r, expectReset(client))
	if o := r.outcome(); o.status != stream.StatusForbidden {
		r.Errorf("got %d, want 403", o.status)
	}
}

// finishReset makes the driver read bytes of the client that nginx would leave unread.
func finishReset(r *rig) {
	p := r.proxied(&Proxy{To: []stream.Addr{}, Spec: spec()}, preread(atLeast(5)))
	client := p.dial()
	send(r, client, "hello")
	must(r, expectReset(client))
	if o := r.outcome(); o.status != stream.StatusBadGateway {
		r.Errorf("got %d, want 502", o.status)
	}
}

func reply(r *rig) {
	for _, network := range []string{"tcp", "unix"} {
		client := r.listenOn(network, r.server(&Reply{Text: []byte("hello")})).dial()
		expect(r, client, "hello")
		must(r, expectEnd(client))
		if o := r.outcome(); o.toClient != 5 || o.status != stream.StatusOK {
			r.Errorf("%s: got %d bytes, status %d; want 5, 200", network, o.toClient, o.status)
		}
	}
}

func longReply(r *rig) {
	const size = 4 << 20
	text := make([]byte, size)
	pattern(3).Read(text)
	f := r.bind("tcp", r.server(&Reply{Text: text}))
	client := f.dial()
	client.SetReadBuffer(window)
	must(r, r.driver.Listen(f.listener))
	must(r, pacing{seed: 1, max: 64 << 10, every: 20, pause: 5 * time.Millisecond}.expect(client, 3, size))
	must(r, expectEnd(client))
	if o := r.outcome(); o.toClient != size {
		r.Errorf("got %d bytes counted, want %d", o.toClient, size)
	}
}

func stuckReply(r *rig) {
	const size = 16 << 20
	f := r.bind("tcp", r.server(&Reply{Text: make([]byte, size), Timeout: time.Second}))
	client := f.dial()
	client.SetReadBuffer(window)
	must(r, r.driver.Listen(f.listener))
	if o := r.outcome(); o.status != stream.StatusInternal || o.toClient <= 0 || o.toClient >= size {
		r.Errorf("got status %d after %d bytes, want 500 before the end", o.status, o.toClient)
	}
}

// resetReply resets the client during a Send: the session gets one Failed event, then the event
// that ends the step.
func resetReply(r *rig) {
	f := r.bind("tcp", r.server(&Reply{Text: make([]byte, 16<<20), OnEvent: r.recordEvent}))
	client := f.dial()
	client.SetReadBuffer(window)
	must(r, r.driver.Listen(f.listener))
	_, err := io.ReadFull(client, make([]byte, 1000))
	must(r, err)
	reset(client)
	o := r.outcome()
	if len(o.events) != 2 || o.events[1].Kind != stream.Relayed {
		r.Errorf("got events %v, want a failure and the end", o.events)
	}
	if ev := o.failure(); ev.Side != stream.ClientSide || ev.Op != stream.OpSend || !errors.Is(ev.Err, syscall.ECONNRESET) {
		r.Errorf("got side %d, %v, %v; want the client's, send(), ECONNRESET", ev.Side, ev.Op, ev.Err)
	}
}

// panickingContent is a content that panics.
type panickingContent struct{}

// Begin requests a read.
func (panickingContent) Begin(s *stream.Session) stream.Step {
	return stream.Step{Do: stream.Read, Max: 10}
}

// Next panics.
func (panickingContent) Next(*stream.Session, stream.Event) stream.Step { panic("bomb") }

func panicking(r *rig) {
	client := r.listenOn("tcp", r.server(panickingContent{})).dial()
	send(r, client, "hello")
	must(r, expectReset(client))
	testwait.Eventually(r, "the panic is logged", func() bool { return r.lines.Count("[alert] *1 panic: bomb") == 1 })
}
