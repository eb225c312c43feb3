package drivertest

import (
	"bytes"
	"io"
	"time"

	"weir/internal/relay"
	"weir/internal/testwait"
	"weir/stream"
)

var abortTests = []driverTest{
	{"abort those that match", abortMatching},
	{"abort in every step", abortEveryStep},
	{"abort that the content ignores", abortIgnored},
	{"abort at a rate", abortPaced},
	{"abort with one budget for several aborts", abortsShareBudget},
	{"abort at a rate beside one that waits", abortsDoNotWait},
	{"abort without a match", abortNone},
	{"abort with a farewell", abortWithFarewell},
	{"abort with a farewell after a long flow", farewellAfterFlow},
	{"abort with a farewell behind other data", farewellBehindData},
	{"abort with a farewell through TLS", farewellThroughTLS},
	{"abort with a farewell behind other data through TLS", farewellBehindTLS},
}

func allSessions(*stream.Session) bool { return true }

func abortMatching(r *rig) {
	p, q := r.proxied(&Proxy{Spec: spec()}), r.proxied(&Proxy{Spec: spec()})
	client, server := p.pair()
	other, otherServer := q.pair()
	send(r, client, "hello")
	expect(r, server, "hello")
	r.driver.Abort(func(s *stream.Session) bool { return s.Listen == p.listen }, nil)
	must(r, expectEnd(client))
	must(r, expectEnd(server))
	if o := r.outcome(); o.end != relay.Aborted || o.count(stream.Aborted) != 1 || o.fromClient != 5 {
		r.Errorf("got %v, %d events, %d bytes; want aborted, 1, 5", o.end, o.count(stream.Aborted), o.fromClient)
	}
	send(r, other, "still here")
	expect(r, otherServer, "still here")
	if n := r.finished(); n != 1 {
		r.Errorf("%d sessions have finished, want 1", n)
	}
}

// abortEveryStep aborts a session in each step that waits.
func abortEveryStep(r *rig) {
	read := r.proxied(&Proxy{Spec: spec()}, preread(atLeast(10))).dial()
	fd, full := fullBacklog(r)
	defer closeFD(fd)
	connecting := r.proxied(&Proxy{To: []stream.Addr{full}, Spec: spec()}).dial()
	f := r.bind("tcp", r.server(&Reply{Text: make([]byte, 16<<20)}))
	stuck := f.dial()
	stuck.SetReadBuffer(window)
	must(r, r.driver.Listen(f.listener))
	slow := spec()
	slow.Upload = 1
	paused, _ := r.proxied(&Proxy{Spec: slow}).pair()
	send(r, paused, "more than one byte")
	testwait.Eventually(r, "all four have begun", func() bool { return r.lines.Count("connected to") == 4 })
	for _, c := range []duplex{read, connecting, stuck, paused} {
		defer io.Copy(io.Discard, c)
	}
	r.driver.Abort(allSessions, nil)
	testwait.Eventually(r, "all four have finished", func() bool { return r.finished() == 4 })
}

func abortIgnored(r *rig) {
	connected := make(chan struct{}, 1)
	client, server := r.proxied(&Proxy{Spec: spec(), IgnoreAborts: true, OnEvent: func(_ *stream.Session, ev stream.Event) {
		if ev.Kind == stream.Connected {
			connected <- struct{}{}
		}
	}}).pair()
	<-connected // an earlier Abort may make the driver connect again
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
	if o := r.outcome(); o.count(stream.Aborted) == 0 || o.end != relay.ClientEOF || o.fromClient != total || o.toClient != total {
		r.Errorf("got %d aborts, %v, %d up, %d down", o.count(stream.Aborted), o.end, o.fromClient, o.toClient)
	}
}

func abortPaced(r *rig) {
	p := r.proxied(&Proxy{Spec: spec()})
	for range 4 {
		p.exchange()
	}
	start := time.Now()
	r.driver.Abort(allSessions, stream.NewBudget(10))
	testwait.Eventually(r, "all have finished", func() bool { return r.finished() == 4 })
	if took := time.Since(start); took < 290*time.Millisecond {
		r.Errorf("four sessions ended in %v, at 10 a second", took)
	}
}

// abortsShareBudget ends the sessions of two servers by two aborts with the same budget.
func abortsShareBudget(r *rig) {
	p, q := r.proxied(&Proxy{Spec: spec()}), r.proxied(&Proxy{Spec: spec()})
	for range 2 {
		p.exchange()
		q.exchange()
	}
	start, b := time.Now(), stream.NewBudget(10)
	r.driver.Abort(func(s *stream.Session) bool { return s.Listen == p.listen }, b)
	r.driver.Abort(func(s *stream.Session) bool { return s.Listen == q.listen }, b)
	testwait.Eventually(r, "all have finished", func() bool { return r.finished() == 4 })
	if took := time.Since(start); took < 290*time.Millisecond {
		r.Errorf("four sessions ended in %v, at 10 a second", took)
	}
}

// abortsDoNotWait aborts the sessions of one server while an abort of another has to wait for long.
func abortsDoNotWait(r *rig) {
	p, q := r.proxied(&Proxy{Spec: spec()}), r.proxied(&Proxy{Spec: spec()})
	client, server := p.exchange()
	for range 3 {
		q.exchange()
	}
	used := stream.NewBudget(1)
	used.Spend(time.Now().Add(time.Hour))
	r.driver.Abort(func(s *stream.Session) bool { return s.Listen == p.listen }, used)
	r.driver.Abort(func(s *stream.Session) bool { return s.Listen == q.listen }, nil)
	testwait.Eventually(r, "the others have finished", func() bool { return r.finished() == 3 })
	send(r, server, "pong")
	expect(r, client, "pong")
}

// abortNone calls Abort without a match; the sessions continue.
func abortNone(r *rig) {
	client, server := r.proxied(&Proxy{Spec: spec()}).pair()
	send(r, client, "ping")
	expect(r, server, "ping")
	matched := make(chan uint64, 10)
	r.driver.Abort(func(s *stream.Session) bool { matched <- s.ID; return false }, stream.NewBudget(1))
	<-matched
	send(r, server, "pong")
	expect(r, client, "pong")
}

// abortWithFarewell sends a text to the client at the end of a relay.
func abortWithFarewell(r *rig) {
	client, server := r.proxied(&Proxy{Spec: spec(), Farewell: []byte("bye")}).pair()
	send(r, server, "hello")
	expect(r, client, "hello")
	send(r, client, "hi")
	expect(r, server, "hi")
	r.driver.Abort(allSessions, nil)
	expect(r, client, "bye")
	must(r, expectEnd(client))
	must(r, expectEnd(server))
	if o := r.outcome(); o.end != relay.Aborted || o.count(stream.Relayed) != 1 || o.toClient != 8 || o.fromClient != 2 {
		r.Errorf("got %v, %d ends, %d bytes down, %d up; want aborted, 1, 8, 2", o.end, o.count(stream.Relayed), o.toClient, o.fromClient)
	}
}

// farewellAfterFlow sends the text after a flow that a driver may move in another way than short ones.
func farewellAfterFlow(r *rig) {
	client, server := r.proxied(&Proxy{Spec: spec(), Farewell: []byte("bye")}).pair()
	const total = 32 << 20
	concurrently(r,
		func() error { return unpaced.write(server, 1, total) },
		func() error { return unpaced.expect(client, 1, total) })
	r.driver.Abort(allSessions, nil)
	expect(r, client, "bye")
	must(r, expectEnd(client))
	if o := r.outcome(); o.toClient != total+3 {
		r.Errorf("got %d bytes down, want %d", o.toClient, total+3)
	}
}

// farewellBehindData ends a relay whose client does not read: the text must not follow a part of the data.
func farewellBehindData(r *rig) {
	client, server := r.proxied(&Proxy{Spec: spec(), Target: smallBuffers(), Farewell: []byte("bye")}).pair()
	checkFarewellBehind(r, client, server)
}

// checkFarewellBehind fills what is between the ends, aborts the session, and reads it from the client.
func checkFarewellBehind(r *rig, client, server duplex) {
	r.Helper()
	client.SetReadBuffer(window)
	sent := writeUntilStuck(r, server)
	r.driver.Abort(allSessions, nil)
	if o := r.outcome(); o.count(stream.Relayed) != 1 {
		r.Errorf("got %d ends of the step, want 1", o.count(stream.Relayed))
	}
	got, _ := io.ReadAll(client)
	want := make([]byte, sent)
	io.ReadFull(pattern(4), want)
	if len(got) == 0 || len(got) >= sent || !bytes.HasPrefix(want, got) {
		r.Errorf("got %d of %d bytes, the last are %q; want the first bytes that were sent", len(got), sent, got[max(len(got)-5, 0):])
	}
}

func farewellThroughTLS(r *rig) {
	e := ends{client: true}
	client, server := r.withTLS("tcp", e, &Proxy{Spec: spec(), Farewell: []byte("bye")}).tlsPair(e)
	send(r, server, "hello")
	expect(r, client, "hello")
	r.driver.Abort(allSessions, nil)
	expect(r, client, "bye")
	must(r, expectEnd(client))
	if o := r.outcome(); o.toClient != 8 {
		r.Errorf("got %d bytes down, want 8", o.toClient)
	}
}

func farewellBehindTLS(r *rig) {
	e := ends{client: true}
	client, server := r.withTLS("tcp", e, &Proxy{Spec: spec(), Target: smallBuffers(), Farewell: []byte("bye")}).tlsPair(e)
	checkFarewellBehind(r, client, server)
}
