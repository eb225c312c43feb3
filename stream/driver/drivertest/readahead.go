package drivertest

import (
	"sync/atomic"
	"syscall"
	"time"

	"weir/stream"
)

var readAheadTests = []driverTest{
	{"bytes while connecting", func(r *rig) { readAhead(r, 100) }},
	{"more bytes while connecting than are read", func(r *rig) { readAhead(r, 8) }},
	{"bytes while connecting without an earlier read", noReadAhead},
	{"bytes while connecting on a deferred listener", readAheadDeferred},
	{"bytes in a pause", readAheadPausing},
}

// bytesRead returns how many bytes arrived by events.
func (o outcome) bytesRead() int {
	n := 0
	for _, ev := range o.events {
		n += len(ev.Data)
	}
	return n
}

// wantReadAhead checks how many bytes were read while the session waited for something else, and in
// total.
func wantReadAhead(r *rig, ahead, all int) {
	r.Helper()
	o := r.outcome()
	if o.bytesRead() != ahead || o.fromClient != int64(all) || o.toUpstream != int64(all) {
		r.Errorf("%d bytes were read ahead, %d in all, %d went to the server; want %d, %d, %d",
			o.bytesRead(), o.fromClient, o.toUpstream, ahead, all, all)
	}
}

// readAhead makes a client send more bytes while its session connects, after a read that had to wait.
func readAhead(r *rig, room int) {
	fd, addr := fullBacklog(r)
	r.Cleanup(func() { syscall.Close(fd) })
	l := r.socket("tcp")
	proxy := &Proxy{To: []stream.Addr{addr, addrOf(l.Addr())}, Spec: spec(), ReadAhead: room, ConnectTimeout: 500 * time.Millisecond, OnEvent: r.recordEvent}
	h := &sizeRecorder{atLeast: 5}
	p := &proxyFrontend{r.listenOn("tcp", r.server(proxy), preread(h)), l}
	client := p.dial()
	for i, b := range "01234" { // byte by byte, so that the session waits for the client
		send(r, client, string(b))
		eventually(r, "the byte is read", func() bool { return h.size.Load() > int32(i) })
	}
	eventually(r, "the client is read", func() bool { return r.sawEvent(stream.Bytes) })
	send(r, client, "56789abcdef")
	server := p.accept()
	expect(r, server, "0123456789abcdef")
	send(r, client, "g")
	expect(r, server, "g")
	client.Close()
	wantReadAhead(r, min(room-5, 11), 17)
}

// sizeRecorder is atLeast that also records how many bytes it was given.
type sizeRecorder struct {
	atLeast
	size atomic.Int32
}

// Handle records the number of bytes.
func (h *sizeRecorder) Handle(s *stream.Session) (stream.Verdict, error) {
	h.size.Store(int32(len(s.Head)))
	return h.atLeast.Handle(s)
}

// noReadAhead makes a client send its first bytes while the session connects, without an earlier read.
func noReadAhead(r *rig) {
	client, p := r.startConnecting(&Proxy{ReadAhead: 100, ConnectTimeout: 300 * time.Millisecond})
	send(r, client, "hello")
	expect(r, p.accept(), "hello")
	client.Close()
	wantReadAhead(r, 0, 5)
}

func deferred(l *stream.Listen) { l.Options.Deferred = true }

func readAheadDeferred(r *rig) {
	client, p := r.startConnecting(&Proxy{ReadAhead: 100, ConnectTimeout: 500 * time.Millisecond}, deferred)
	send(r, client, "hello")
	expect(r, p.accept(), "hello")
	client.Close()
	wantReadAhead(r, 5, 5)
}

func readAheadPausing(r *rig) {
	l := r.socket("tcp")
	c := &pausingContent{&Proxy{To: []stream.Addr{addrOf(l.Addr())}, Spec: spec(), ReadAhead: 100, OnEvent: r.recordEvent}, 500 * time.Millisecond}
	p := &proxyFrontend{r.listenOn("tcp", r.server(c), deferred), l}
	client := p.dial()
	send(r, client, "hello")
	expect(r, p.accept(), "hello")
	client.Close()
	wantReadAhead(r, 5, 5)
}
