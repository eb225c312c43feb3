package drivertest

import (
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"weir/internal/testwait"
	"weir/stream"
)

var clientLeavesTests = []driverTest{
	{"client resets while connecting", func(r *rig) { resetConnecting(r, "") }},
	{"client resets while connecting, with bytes unread", func(r *rig) { resetConnecting(r, "hello") }},
	{"client ends while connecting", endConnecting},
	{"client ends while connecting and resets later", endThenReset},
	{"client ends while connecting and is served", func(r *rig) { serveAfterEOF(r, "", false) }},
	{"client ends while connecting after bytes that are unread", func(r *rig) { serveAfterEOF(r, "hello", true) }},
	{"client has ended before the connect", endedBefore},
	{"pause", pauses},
	{"client resets in a pause", func(r *rig) { clientLeavesPause(r, stream.Failed, reset) }},
	{"client ends in a pause", func(r *rig) { clientLeavesPause(r, stream.EOF, func(c net.Conn) { c.(duplex).CloseWrite() }) }},
	{"abort in a pause", func(r *rig) {
		clientLeavesPause(r, stream.Aborted, func(net.Conn) { r.driver.Abort(allSessions, nil) })
	}},
	{"client resets while resolving", resetResolving},
	{"client ends while resolving", endResolving},
	{"client ends while resolving and is served", servedAfterResolving},
}

// A hangingFrontend is a frontend whose first server does not answer until it refuses. The second one
// is the upstream.
type hangingFrontend struct {
	*proxyFrontend
	refuse func() // the system reports it within seconds
}

func (r *rig) hanging(p *Proxy, options ...listenOption) *hangingFrontend {
	r.Helper()
	fd, addr := fullBacklog(r)
	refuse := sync.OnceFunc(func() { closeFD(fd) })
	r.Cleanup(refuse)
	l := r.socket("tcp")
	p.To, p.Spec, p.OnEvent = []stream.Addr{addr, addrOf(l.Addr())}, spec(), r.recording(p.OnEvent)
	return &hangingFrontend{&proxyFrontend{r.listenOn("tcp", r.server(p), options...), l}, refuse}
}

// startConnecting also returns a client whose session waits for the first server.
func (r *rig) startConnecting(p *Proxy, options ...listenOption) (duplex, *hangingFrontend) {
	r.Helper()
	f := r.hanging(p, options...)
	client := f.dial()
	testwait.Eventually(r, "the session connects", func() bool { return p.attempts.Load() > 0 })
	return client, f
}

// wantFinishedBy checks that the session ended because of its client, by that event and not by a timeout.
func wantFinishedBy(r *rig, kind stream.EventKind) {
	r.Helper()
	o := r.outcome()
	if n := o.count(kind); n != 1 || o.count(stream.TimedOut) != 0 || o.status != stream.StatusOK {
		r.Errorf("got %d events of the client, %d timeouts, status %d; want 1, 0, 200", n, o.count(stream.TimedOut), o.status)
	}
}

func wantReset(r *rig) {
	r.Helper()
	wantFinishedBy(r, stream.Failed)
	wantReadReset(r, r.outcome(), stream.ClientSide)
}

func resetConnecting(r *rig, text string) {
	client, _ := r.startConnecting(&Proxy{})
	send(r, client, text)
	reset(client)
	wantReset(r)
}

func endConnecting(r *rig) {
	client, _ := r.startConnecting(&Proxy{FinishOnEOF: true})
	must(r, client.CloseWrite())
	must(r, expectEnd(client))
	wantFinishedBy(r, stream.EOF)
}

func endThenReset(r *rig) {
	client, _ := r.startConnecting(&Proxy{})
	must(r, client.CloseWrite())
	testwait.Eventually(r, "the end is reported", func() bool { return r.sawEvent(stream.EOF) })
	reset(client)
	wantFinishedBy(r, stream.Failed)
	if ev := r.outcome().failure(); ev.Side != stream.ClientSide || ev.Op != stream.OpRecv {
		r.Errorf("got side %d, %v; want the client's, recv()", ev.Side, ev.Op)
	}
}

// serveAfterEOF makes a client end its input, after text, before the second server is tried.
func serveAfterEOF(r *rig, text string, opens bool) {
	client, f := r.startConnecting(&Proxy{FinishOnEOF: opens})
	send(r, client, text)
	must(r, client.CloseWrite())
	want := 1 - min(len(text), 1)
	testwait.Eventually(r, "the end is reported", func() bool { return want == 0 || r.sawEvent(stream.EOF) })
	f.refuse()
	expectServed(r, client, f.proxyFrontend, text)
	if n := r.outcome().count(stream.EOF); n != want {
		r.Errorf("got %d ends, want %d", n, want)
	}
}

// expectServed expects text and an end at the server.
func expectServed(r *rig, client duplex, p *proxyFrontend, text string) {
	r.Helper()
	server := p.accept()
	expect(r, server, text)
	must(r, expectEnd(server))
	must(r, expectEnd(client))
	if o := r.outcome(); o.status != stream.StatusOK || o.fromClient != int64(len(text)) {
		r.Errorf("got status %d, %d bytes; want 200, %d", o.status, o.fromClient, len(text))
	}
}

// endedBefore sends the end together with the bytes that the session waits for before it connects.
func endedBefore(r *rig) {
	fd, addr := fullBacklog(r)
	r.Cleanup(func() { syscall.Close(fd) })
	p := r.proxied(&Proxy{To: []stream.Addr{addr}, Spec: spec(), FinishOnEOF: true}, preread(atLeast(10)))
	client := p.dial()
	send(r, client, "01234")
	testwait.Eventually(r, "the session has begun", func() bool { return r.lines.Count("connected to") == 1 })
	send(r, client, "56789")
	must(r, client.CloseWrite())
	io.Copy(io.Discard, client)
	wantFinishedBy(r, stream.EOF)
}

func resetResolving(r *rig) {
	a := &resolvingContent{lookup: &Lookup{}}
	client, _ := r.startResolving(a)
	reset(client)
	wantReset(r)
	testwait.Eventually(r, "the lookup is stopped", a.lookup.stopped)
}

func endResolving(r *rig) {
	a := &resolvingContent{lookup: &Lookup{}, finishOnEOF: true}
	client, _ := r.startResolving(a)
	must(r, client.CloseWrite())
	must(r, expectEnd(client))
	wantFinishedBy(r, stream.EOF)
}

func servedAfterResolving(r *rig) {
	a := &resolvingContent{lookup: &Lookup{}}
	client, p := r.startResolving(a)
	must(r, client.CloseWrite())
	testwait.Eventually(r, "the end is reported", func() bool { return r.sawEvent(stream.EOF) })
	a.lookup.Answer()
	expectServed(r, client, p, "")
}

// A pausingContent is a content that pauses before it proxies.
type pausingContent struct {
	*Proxy
	long time.Duration
}

// Begin pauses.
func (p *pausingContent) Begin(s *stream.Session) stream.Step {
	p.attempts.Add(1)
	return stream.Step{Do: stream.Pause, Max: p.ReadAhead, Deadline: s.Env.Now().Add(p.long)}
}

// Next begins the proxy after the pause.
func (p *pausingContent) Next(s *stream.Session, ev stream.Event) stream.Step {
	if _, proxying := attemptKey.Get(s); proxying {
		return p.Proxy.Next(s, ev)
	}
	if ev.Kind == stream.Bytes {
		return p.Proxy.Next(s, ev)
	}
	p.OnEvent(s, ev)
	if ev.Kind == stream.TimedOut {
		return p.Proxy.Begin(s)
	}
	return s.Finish(stream.StatusOK)
}

// startPausing serves with a content that pauses, and returns a client whose session is in the pause.
func (r *rig) startPausing(long time.Duration) (duplex, *proxyFrontend) {
	r.Helper()
	l := r.socket("tcp")
	c := &pausingContent{&Proxy{To: []stream.Addr{addrOf(l.Addr())}, Spec: spec(), OnEvent: r.recordEvent}, long}
	p := &proxyFrontend{r.listenOn("tcp", r.server(c)), l}
	client := p.dial()
	testwait.Eventually(r, "the session pauses", func() bool { return c.attempts.Load() > 0 })
	return client, p
}

func pauses(r *rig) {
	start := time.Now()
	client, p := r.startPausing(50 * time.Millisecond)
	send(r, client, "hello")
	expect(r, p.accept(), "hello")
	if took := time.Since(start); took < 45*time.Millisecond {
		r.Errorf("connected after %v", took)
	}
	client.Close()
}

func clientLeavesPause(r *rig, kind stream.EventKind, leave func(net.Conn)) {
	client, _ := r.startPausing(testwait.Patience)
	leave(client)
	wantFinishedBy(r, kind)
}
