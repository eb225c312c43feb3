package drivertest

import (
	"sync"
	"time"

	"weir/internal/testwait"
	"weir/stream"
)

var resolveTests = []driverTest{
	{"answer from another goroutine", resolveLater},
	{"answer at once", resolveAtOnce},
	{"no answer in time", resolveTimeout},
	{"answer too late", resolveTooLate},
	{"abort while resolving", abortResolving},
	{"close while resolving", closeResolving},
}

// A Lookup is a stream.Lookup that Answer answers. The test fails if it is answered or begun
// against the contract.
type Lookup struct {
	mu       sync.Mutex
	answered func()
	begun    int
	atOnce   bool
}

// Begin stores answered until Answer calls it.
func (l *Lookup) Begin(answered func()) (stop func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun++
	l.answered = answered
	if l.atOnce {
		answered()
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.answered = nil
	}
}

// Answer calls answered, if the lookup has begun and was not stopped, and reports whether it did.
func (l *Lookup) Answer() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answered == nil {
		return false
	}
	l.answered()
	l.answered = nil
	return true
}

func (l *Lookup) hasBegun() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begun > 0
}

// stopped reports whether nothing waits for the lookup. A driver stops it after it has reported
// the end of the session.
func (l *Lookup) stopped() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answered == nil
}

// An resolvingContent is a content that waits for a Lookup before it proxies.
type resolvingContent struct {
	*Proxy
	lookup      *Lookup
	timeout     time.Duration // 0 disables it
	finishOnEOF bool          // Opens of the proxy
}

// Begin waits for the lookup.
func (a *resolvingContent) Begin(s *stream.Session) stream.Step {
	step := stream.Step{Do: stream.Resolve, Lookup: a.lookup}
	if a.timeout > 0 {
		step.Deadline = s.Env.Now().Add(a.timeout)
	}
	return step
}

// Next begins the proxy once there is an answer.
func (a *resolvingContent) Next(s *stream.Session, ev stream.Event) stream.Step {
	switch ev.Kind {
	case stream.Resolved:
		a.OnEvent(s, ev)
		return a.Proxy.Begin(s)
	case stream.TimedOut:
		a.OnEvent(s, ev)
		return s.Finish(stream.StatusInternal)
	case stream.Failed, stream.EOF:
		if _, proxying := attemptKey.Get(s); !proxying {
			return a.clientLeft(s, ev)
		}
	case stream.Aborted:
		if _, proxying := attemptKey.Get(s); !proxying {
			a.OnEvent(s, ev)
			return s.Finish(stream.StatusOK)
		}
	}
	return a.Proxy.Next(s, ev)
}

// clientLeft ends the session after its client has left, unless the client may still read.
func (a *resolvingContent) clientLeft(s *stream.Session, ev stream.Event) stream.Step {
	a.OnEvent(s, ev)
	if ev.Kind == stream.EOF && !a.finishOnEOF {
		return stream.Step{}
	}
	return s.Finish(stream.StatusOK)
}

// startResolving serves with a content that waits for the lookup, and returns a client and its
// frontend.
func (r *rig) startResolving(a *resolvingContent) (duplex, *proxyFrontend) {
	r.Helper()
	l := r.socket("tcp")
	a.Proxy = &Proxy{To: []stream.Addr{addrOf(l.Addr())}, Spec: spec(), OnEvent: r.recordEvent, FinishOnEOF: a.finishOnEOF}
	p := &proxyFrontend{r.listenOn("tcp", r.server(a)), l}
	client := p.dial()
	testwait.Eventually(r, "the lookup begins", a.lookup.hasBegun)
	return client, p
}

func resolveLater(r *rig) {
	a := &resolvingContent{lookup: &Lookup{}, timeout: testwait.Patience}
	client, p := r.startResolving(a)
	send(r, client, "hello")
	go a.lookup.Answer()
	resolvedInOrder(r, client, p)
}

func resolveAtOnce(r *rig) {
	a := &resolvingContent{lookup: &Lookup{atOnce: true}}
	client, p := r.startResolving(a)
	send(r, client, "hello")
	resolvedInOrder(r, client, p)
}

// resolvedInOrder expects the client's hello at the server, and the end of a session that began its
// lookup once.
func resolvedInOrder(r *rig, client duplex, p *proxyFrontend) {
	r.Helper()
	server := p.accept()
	expect(r, server, "hello")
	client.Close()
	if o := r.outcome(); o.count(stream.Resolved) != 1 || o.status != stream.StatusOK || o.fromClient != 5 {
		r.Errorf("got %d answers, status %d, %d bytes; want 1, 200, 5", o.count(stream.Resolved), o.status, o.fromClient)
	}
}

func resolveTimeout(r *rig) {
	a := &resolvingContent{lookup: &Lookup{}, timeout: 100 * time.Millisecond}
	client, _ := r.startResolving(a)
	must(r, expectEnd(client))
	if o := r.outcome(); o.count(stream.TimedOut) != 1 || o.status != stream.StatusInternal {
		r.Errorf("got %d timeouts, status %d; want 1, 500", o.count(stream.TimedOut), o.status)
	}
}

// resolveTooLate answers the lookup of a session that has ended while another one waits, possibly
// in the same slot.
func resolveTooLate(r *rig) {
	first := &resolvingContent{lookup: &Lookup{}, timeout: 50 * time.Millisecond}
	client, _ := r.startResolving(first)
	must(r, expectEnd(client))
	second := &resolvingContent{lookup: &Lookup{}}
	client, p := r.startResolving(second)
	testwait.Eventually(r, "the first lookup is stopped", first.lookup.stopped)
	if first.lookup.Answer() {
		r.Error("the driver still waits for a lookup that has timed out")
	}
	send(r, client, "hello")
	second.lookup.Answer()
	expect(r, p.accept(), "hello")
	client.Close()
}

func abortResolving(r *rig) {
	a := &resolvingContent{lookup: &Lookup{}}
	client, _ := r.startResolving(a)
	r.driver.Abort(allSessions, nil)
	must(r, expectEnd(client))
	if o := r.outcome(); o.count(stream.Aborted) != 1 {
		r.Errorf("got %d aborts, want 1", o.count(stream.Aborted))
	}
	testwait.Eventually(r, "the lookup is stopped", a.lookup.stopped)
}

func closeResolving(r *rig) {
	a := &resolvingContent{lookup: &Lookup{}}
	client, _ := r.startResolving(a)
	must(r, r.driver.Close())
	must(r, expectEnd(client))
	if a.lookup.Answer() {
		r.Error("a closed driver still waits")
	}
}
