package drivertest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"weir/internal/relay"
	"weir/internal/testwait"
	"weir/stream"
)

var relayTests = []driverTest{
	{"urgent data", urgent},
	{"relay both ways over tcp", func(r *rig) { relayMany(r, "tcp", spec(), rand.New(rand.NewPCG(1, 1)), 8) }},
	{"relay both ways over unix sockets", func(r *rig) { relayMany(r, "unix", spec(), rand.New(rand.NewPCG(2, 1)), 8) }},
	{"relay with half closes", func(r *rig) {
		s := spec()
		s.HalfClose = true
		relayMany(r, "tcp", s, rand.New(rand.NewPCG(3, 1)), 8)
	}},
	{"relay with a buffer of one byte", func(r *rig) {
		s := spec()
		s.BufferSize = 1
		client, server := r.proxied(&Proxy{Spec: s}).pair()
		concurrently(r, func() error { return unpaced.write(client, 1, 3000) }, func() error { return unpaced.expect(server, 1, 3000) },
			func() error { return unpaced.write(server, 2, 3000) }, func() error { return unpaced.expect(client, 2, 3000) })
	}},
	{"slow client", func(r *rig) { relaySlowly(r, false) }},
	{"slow server", func(r *rig) { relaySlowly(r, true) }},
	{"relay sends prefix and head first", headFirst},
	{"servers that send first", serversSendFirst},
	{"counters are exact", countersExact},
	{"first byte is reported once", firstByte},
	{"the end instead of a first byte", firstByteEnd},
	{"no first byte", noFirstByte},
}

// relayMany relays n sessions at once.
func relayMany(r *rig, network string, spec *relay.Spec, rnd *rand.Rand, n int) {
	p := r.proxiedOver(network, &Proxy{Spec: spec})
	var tasks []func() error
	for range n {
		client, server := p.pair()
		tasks = append(tasks, conversation(client, server, spec.HalfClose, rnd)...)
	}
	concurrently(r, tasks...)
	if r.Failed() {
		return
	}
	testwait.Eventually(r, "all sessions have finished", func() bool { return r.finished() == n })
	for _, o := range r.outcomes() {
		if o.status != stream.StatusOK || o.end != relay.UpstreamEOF {
			r.Errorf("got %d, %v; want 200, upstream EOF", o.status, o.end)
		}
	}
}

// conversation is random traffic both ways. The server ends it, after it has read and written
// everything; the client must receive every byte. With half closes, the client ends its output
// before that.
func conversation(client, server duplex, halfClose bool, rnd *rand.Rand) []func() error {
	up, down := 1+rnd.IntN(300_000), 1+rnd.IntN(300_000)
	seed := rnd.Uint64()
	ends := [4]pacing{}
	for i := range ends {
		ends[i] = pacing{seed: rnd.Uint64(), max: 1 + rnd.IntN(20_000), every: rnd.IntN(3) * 8, pause: 2 * time.Millisecond}
		ends[i].max = max(ends[i].max, 500)
	}
	read := make(chan error, 1)
	return []func() error{
		func() error {
			if err := ends[0].write(client, seed, up); err != nil || !halfClose {
				return err
			}
			return client.CloseWrite()
		},
		func() error {
			err := ends[1].expect(server, seed, up)
			if err == nil && halfClose {
				err = expectEnd(server)
			}
			read <- err
			return err
		},
		func() error {
			defer server.Close()
			if err := ends[2].write(server, seed+1, down); err != nil {
				return fmt.Errorf("download: %w", err)
			}
			<-read
			return nil
		},
		func() error {
			if err := ends[3].expect(client, seed+1, down); err != nil {
				return fmt.Errorf("download: %w", err)
			}
			return expectEnd(client)
		},
	}
}

// relaySlowly makes one end read in small pieces a stream that would fill all buffers many times if
// they were not drained.
func relaySlowly(r *rig, up bool) {
	client, server := r.proxied(&Proxy{Spec: spec()}).pair()
	from, to := server, client
	if up {
		from, to = client, server
	}
	to.SetReadBuffer(window)
	const total = 6 << 20
	slow := pacing{seed: 5, max: 64 << 10, every: 20, pause: 5 * time.Millisecond}
	concurrently(r,
		func() error {
			if err := unpaced.write(from, 3, total); err != nil {
				return err
			}
			return from.Close()
		},
		func() error {
			if err := slow.expect(to, 3, total); err != nil {
				return err
			}
			return expectEnd(to)
		})
}

func headFirst(r *rig) {
	proxy := &Proxy{Spec: spec(), Prefix: []byte("prefix ")}
	p := r.proxied(proxy, preread(atLeast(5)))
	client := p.dial()
	send(r, client, "he")
	send(r, client, "llo")
	server := p.accept()
	expect(r, server, "prefix hello")
	send(r, client, " again")
	expect(r, server, " again")
	client.Close()
	must(r, expectEnd(server))
	if o := r.outcome(); o.fromClient != 11 || o.toUpstream != 18 {
		r.Errorf("got %d from the client, %d to the server; want 11, 18", o.fromClient, o.toUpstream)
	}
}

// serversSendFirst makes servers send at once, so that their first bytes may arrive together with
// the event that the connection is up.
func serversSendFirst(r *rig) {
	const sessions = 200
	p := r.proxied(&Proxy{Spec: spec()})
	concurrently(r, func() error {
		for range sessions {
			c, err := p.upstream.Accept()
			if err != nil {
				return err
			}
			if _, err := io.WriteString(r.keep(c), "welcome"); err != nil {
				return err
			}
		}
		return nil
	}, func() error {
		defer p.upstream.Close() // unblocks the other task if this one fails
		for range sessions {
			expect(r, p.dial(), "welcome")
		}
		return nil
	})
}

// atLeast is a preread handler that asks for more until it has that many bytes.
type atLeast int

// Handle asks for more.
func (n atLeast) Handle(s *stream.Session) (stream.Verdict, error) {
	if len(s.Head) < int(n) {
		return stream.More, nil
	}
	return stream.Done, nil
}

func countersExact(r *rig) {
	client, server := r.proxied(&Proxy{Spec: spec()}).pair()
	const up, down = 123_457, 98_765
	concurrently(r, func() error { return unpaced.write(client, 1, up) }, func() error { return unpaced.expect(server, 1, up) },
		func() error { return unpaced.write(server, 2, down) }, func() error { return unpaced.expect(client, 2, down) })
	client.Close()
	must(r, expectEnd(server))
	o := r.outcome()
	got := [4]int64{o.fromClient, o.toUpstream, o.fromUpstream, o.toClient}
	if want := [4]int64{up, up, down, down}; got != want {
		r.Errorf("got %v, want %v", got, want)
	}
	if o.end != relay.ClientEOF {
		r.Errorf("got %v, want client EOF", o.end)
	}
}

func firstByte(r *rig) {
	s := spec()
	s.FirstByte = true
	client, server := r.proxied(&Proxy{Spec: s}).pair()
	send(r, client, "question")
	expect(r, server, "question")
	if r.sawEvent(stream.FirstByte) {
		r.Error("a first byte before there was one")
	}
	for range 3 {
		send(r, server, "answer")
		expect(r, client, "answer")
	}
	server.Close()
	must(r, expectEnd(client))
	o := r.outcome()
	if n := o.count(stream.FirstByte); n != 1 {
		r.Errorf("first byte reported %d times, want once", n)
	}
	i := slices.IndexFunc(o.events, func(ev stream.Event) bool { return ev.Kind == stream.FirstByte })
	if i >= 0 && string(o.events[i].Data) != "answer" {
		r.Errorf("got the first bytes %q, want the answer", o.events[i].Data)
	}
}

func firstByteEnd(r *rig) {
	s := spec()
	s.FirstByte = true
	client, server := r.proxied(&Proxy{Spec: s}).pair()
	server.Close()
	must(r, expectEnd(client))
	if n := r.outcome().count(stream.FirstByte); n != 1 {
		r.Errorf("a server that ends at once: first byte reported %d times, want once", n)
	}
}

func noFirstByte(r *rig) {
	s := spec()
	s.FirstByte = true
	client, _ := r.proxied(&Proxy{Spec: s}).pair()
	client.Close()
	if n := r.outcome().count(stream.FirstByte); n != 0 {
		r.Errorf("client that ends: first byte reported %d times, want not at all", n)
	}
}

// soak runs random relays for the duration WEIR_SOAK.
func soak(t *testing.T, newDriver func(*stream.Env) stream.Driver) {
	t.Helper()
	long, err := time.ParseDuration(os.Getenv("WEIR_SOAK"))
	if err != nil {
		t.Skip("WEIR_SOAK is not a duration")
	}
	for end := time.Now().Add(long); time.Now().Before(end) && !t.Failed(); {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			s := &relay.Spec{BufferSize: 1 << rnd.IntN(18), Timeout: testwait.Patience, HalfClose: rnd.IntN(2) == 0}
			s.BufferSize = max(s.BufferSize, 64)
			relayMany(newRig(t, newDriver), []string{"tcp", "unix"}[rnd.IntN(2)], s, rnd, 1+rnd.IntN(16))
		})
	}
}
