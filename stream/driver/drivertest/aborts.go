package drivertest

import (
	"io"
	"time"

	"weir/internal/relay"
	"weir/stream"
)

var abortTests = []driverTest{
	{"abort those that match", abortMatching},
	{"abort in every step", abortEveryStep},
	{"abort that the content does not heed", abortDeaf},
	{"abort at a pace", abortPaced},
	{"abort nobody", abortNobody},
}

func everyone(*stream.Session) bool { return true }

func abortMatching(r *rig) {
	p, q := r.proxied(&Proxy{Spec: spec()}), r.proxied(&Proxy{Spec: spec()})
	client, server := p.pair()
	other, otherServer := q.pair()
	say(r, client, "hello")
	hear(r, server, "hello")
	r.driver.Abort(func(s *stream.Session) bool { return s.Listen == p.listen }, stream.Pace{})
	must(r, expectEnd(client))
	must(r, expectEnd(server))
	if o := r.outcome(); o.end != relay.Aborted || o.count(stream.Aborted) != 1 || o.fromClient != 5 {
		r.Errorf("got %v, %d events, %d bytes; want aborted, 1, 5", o.end, o.count(stream.Aborted), o.fromClient)
	}
	say(r, other, "still here")
	hear(r, otherServer, "still here")
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
	must(r, r.driver.Listen(f.port))
	slow := spec()
	slow.Upload = 1
	paused, _ := r.proxied(&Proxy{Spec: slow}).pair()
	say(r, paused, "more than one byte")
	eventually(r, "all four have begun", func() bool { return r.lines.Count("connected to") == 4 })
	for _, c := range []duplex{read, connecting, stuck, paused} {
		defer io.Copy(io.Discard, c)
	}
	r.driver.Abort(everyone, stream.Pace{})
	eventually(r, "all four have finished", func() bool { return r.finished() == 4 })
}

func abortDeaf(r *rig) {
	connected := make(chan struct{}, 1)
	client, server := r.proxied(&Proxy{Spec: spec(), Deaf: true, Saw: func(_ *stream.Session, ev stream.Event) {
		if ev.Kind == stream.Connected {
			connected <- struct{}{}
		}
	}}).pair()
	<-connected // an earlier Abort may make the driver connect again
	const total = 1 << 20
	steps := gait{seed: 1, max: 4096, every: 4, pause: time.Millisecond}
	together(r,
		func() error { return steps.write(client, 1, total) },
		func() error { return steps.expect(server, 1, total) },
		func() error { return steps.write(server, 2, total) },
		func() error { return steps.expect(client, 2, total) },
		func() error {
			for range 20 {
				r.driver.Abort(everyone, stream.Pace{})
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
		client, server := p.pair()
		say(r, client, "x")
		hear(r, server, "x")
	}
	start := time.Now()
	r.driver.Abort(everyone, stream.Pace{PerSecond: 10})
	eventually(r, "all have finished", func() bool { return r.finished() == 4 })
	if took := time.Since(start); took < 290*time.Millisecond {
		r.Errorf("four sessions ended in %v, at 10 a second", took)
	}
}

// abortNobody calls Abort without a match; the sessions continue.
func abortNobody(r *rig) {
	client, server := r.proxied(&Proxy{Spec: spec()}).pair()
	say(r, client, "ping")
	hear(r, server, "ping")
	asked := make(chan uint64, 10)
	r.driver.Abort(func(s *stream.Session) bool { asked <- s.ID; return false }, stream.Pace{PerSecond: 1})
	<-asked
	say(r, server, "pong")
	hear(r, client, "pong")
}
