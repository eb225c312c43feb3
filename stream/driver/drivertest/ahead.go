package drivertest

import (
	"sync/atomic"
	"syscall"
	"time"

	"weir/stream"
)

var aheadTests = []driverTest{
	{"bytes while connecting", func(r *rig) { ahead(r, 100) }},
	{"more bytes while connecting than are read", func(r *rig) { ahead(r, 8) }},
	{"bytes while connecting from a client that was not waited for", notAhead},
	{"bytes while connecting on a deferred port", aheadDeferred},
	{"bytes in a pause", aheadPausing},
}

// read returns how many bytes arrived by events.
func (o outcome) read() int {
	n := 0
	for _, ev := range o.events {
		n += len(ev.Data)
	}
	return n
}

// wantRead checks how many bytes were read while the session waited for something else, and in
// total.
func wantRead(r *rig, ahead, all int) {
	r.Helper()
	o := r.outcome()
	if o.read() != ahead || o.fromClient != int64(all) || o.toUpstream != int64(all) {
		r.Errorf("%d bytes were read ahead, %d in all, %d went to the server; want %d, %d, %d",
			o.read(), o.fromClient, o.toUpstream, ahead, all, all)
	}
}

// ahead makes a client send more bytes while its session connects, after a read that had to wait.
func ahead(r *rig, room int) {
	fd, addr := fullBacklog(r)
	r.Cleanup(func() { syscall.Close(fd) })
	l := r.socket("tcp")
	proxy := &Proxy{To: []stream.Addr{addr, addrOf(l.Addr())}, Spec: spec(), Ahead: room, ConnectTimeout: 500 * time.Millisecond, Saw: r.saw}
	h := &measured{atLeast: 5}
	p := &passage{r.listenOn("tcp", r.server(proxy), preread(h)), l}
	client := p.dial()
	for i, b := range "01234" { // byte by byte, so that the session waits for the client
		say(r, client, string(b))
		eventually(r, "the byte is read", func() bool { return h.size.Load() > int32(i) })
	}
	eventually(r, "the client is read", func() bool { return r.reached(stream.Bytes) })
	say(r, client, "56789abcdef")
	server := p.accept()
	hear(r, server, "0123456789abcdef")
	say(r, client, "g")
	hear(r, server, "g")
	client.Close()
	wantRead(r, min(room-5, 11), 17)
}

// measured is atLeast that also records how many bytes it was given.
type measured struct {
	atLeast
	size atomic.Int32
}

// Handle records the number of bytes.
func (h *measured) Handle(s *stream.Session) (stream.Verdict, error) {
	h.size.Store(int32(len(s.Head)))
	return h.atLeast.Handle(s)
}

// notAhead makes a client send its first bytes while the session connects, without an earlier read.
func notAhead(r *rig) {
	client, p := r.hanging(&Proxy{Ahead: 100, ConnectTimeout: 300 * time.Millisecond})
	say(r, client, "hello")
	hear(r, p.accept(), "hello")
	client.Close()
	wantRead(r, 0, 5)
}

func deferred(l *stream.Listen) { l.Options.Deferred = true }

func aheadDeferred(r *rig) {
	client, p := r.hanging(&Proxy{Ahead: 100, ConnectTimeout: 500 * time.Millisecond}, deferred)
	say(r, client, "hello")
	hear(r, p.accept(), "hello")
	client.Close()
	wantRead(r, 5, 5)
}

func aheadPausing(r *rig) {
	l := r.socket("tcp")
	c := &pausing{&Proxy{To: []stream.Addr{addrOf(l.Addr())}, Spec: spec(), Ahead: 100, Saw: r.saw}, 500 * time.Millisecond}
	p := &passage{r.listenOn("tcp", r.server(c), deferred), l}
	client := p.dial()
	say(r, client, "hello")
	hear(r, p.accept(), "hello")
	client.Close()
	wantRead(r, 5, 5)
}
