package udp_test

import (
	"testing"
	"time"

	"weir/internal/relay"
	"weir/internal/testwait"
	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/driver/udp"
)

// resolvingContent is a content that waits for a Lookup before it proxies.
type resolvingContent struct {
	*drivertest.Proxy
	lookup  *drivertest.Lookup
	timeout time.Duration // 0 disables it
	begun   chan bool
}

// Begin waits for the lookup.
func (a *resolvingContent) Begin(s *stream.Session) stream.Step {
	a.begun <- true
	step := stream.Step{Do: stream.Resolve, Lookup: a.lookup, Max: 5}
	if a.timeout > 0 {
		step.Deadline = s.Env.Now().Add(a.timeout)
	}
	return step
}

// Next connects once the lookup is answered.
func (a *resolvingContent) Next(s *stream.Session, ev stream.Event) stream.Step {
	switch ev.Kind {
	case stream.Resolved:
		return a.Proxy.Begin(s)
	case stream.TimedOut:
		return s.Finish(stream.StatusInternal)
	}
	return a.Proxy.Next(s, ev)
}

// startResolving makes a rig's content wait for a lookup.
func (r *rig) startResolving(timeout time.Duration) *resolvingContent {
	a := &resolvingContent{Proxy: r.proxy, lookup: &drivertest.Lookup{}, timeout: timeout, begun: make(chan bool, 1)}
	r.server.Content = a
	return a
}

// TestEarlyDatagrams tests that datagrams that arrive during the lookup reach the server after the
// first datagram, as far as there is room.
func TestEarlyDatagrams(t *testing.T) {
	spec := plain()
	spec.Responses, spec.Requests = 0, 4
	r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	server := r.upstream("udp4")
	a := r.startResolving(testwait.Patience)
	c := r.client("")
	c.send("first")
	<-a.begun
	for _, text := range []string{"123", "456", "lost"} {
		c.send(text)
	}
	r.waitUntilReceived()
	a.lookup.Answer()
	for _, want := range []string{"first", "123", "45"} {
		r.expectAt(server, want)
	}
	c.send("4th")
	r.expectAt(server, "4th")
	if o := r.outcome(); o.end != relay.Done || o.packets.Requests != 4 || o.fromClient != 13 {
		t.Errorf("got %+v", o)
	}
}

// TestEarlyDatagramsAndRetry tests that datagrams kept for a server are lost if it cannot be
// connected to.
func TestEarlyDatagramsAndRetry(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	server := r.upstream("udp4")
	r.proxy.To = append([]stream.Addr{stream.UnixAddr("/nonexistent/socket")}, r.proxy.To...)
	a := r.startResolving(0)
	c := r.client("")
	c.send("first")
	<-a.begun
	c.send("123")
	r.waitUntilReceived()
	a.lookup.Answer()
	r.expectAt(server, "first")
	c.send("then")
	r.expectAt(server, "then")
}

func TestResolveTimeout(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	a := r.startResolving(50 * time.Millisecond)
	r.client("").send("a")
	<-a.begun
	r.outcome()
	r.driver.Close() // a session ends a moment after it is logged
	if a.lookup.Answer() {
		t.Error("the driver waits for a lookup after the timeout")
	}
}

func TestAbortWhileResolving(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	a := r.startResolving(0)
	r.client("").send("a")
	<-a.begun
	r.driver.Abort(allSessions, nil)
	r.outcome()
	r.driver.Close() // a session ends a moment after it is logged
	if a.lookup.Answer() {
		t.Error("an aborted session waits")
	}
}

func TestCloseWhileResolving(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	a := r.startResolving(testwait.Patience)
	r.client("").send("a")
	<-a.begun
	r.driver.Close()
	if a.lookup.Answer() {
		t.Error("a cut session waits")
	}
}
