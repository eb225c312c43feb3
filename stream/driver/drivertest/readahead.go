package drivertest

import (
	"sync/atomic"
	"time"

	"weir/internal/testwait"
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
	h := &sizeRecorder{atLeast: 5}
	f := r.hanging(&Proxy{ReadAhead: room}, preread(h))
	client := f.dial()
	for i, b := range "01234" { // byte by byte, so that the session waits for the client
		send(r, client, string(b))
		testwait.Eventually(r, "the byte is read", func() bool { return h.size.Load() > int32(i) })
	}
	testwait.Eventually(r, "the client is read", func() bool { return r.sawEvent(stream.Bytes) })
	send(r, client, "56789abcdef")
	want := min(room-5, 11)
	awaitReadAhead(r, want)
	f.refuse()
	server := f.accept()
	expect(r, server, "0123456789abcdef")
	send(r, client, "g")
	expect(r, server, "g")
	client.Close()
	wantReadAhead(r, want, 17)
}

// awaitReadAhead waits until n bytes have arrived by events, in sessions that have not finished.
func awaitReadAhead(r *rig, n int) {
	r.Helper()
	testwait.Eventually(r, "the bytes are read", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		read := 0
		for _, events := range r.events {
			read += outcome{events: events}.bytesRead()
		}
		return read >= n
	})
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
	client, f := r.startConnecting(&Proxy{ReadAhead: 100})
	send(r, client, "hello")
	f.refuse()
	expect(r, f.accept(), "hello")
	client.Close()
	wantReadAhead(r, 0, 5)
}

func deferred(l *stream.Listen) { l.Options.Deferred = true }

func readAheadDeferred(r *rig) {
	client, f := r.startConnecting(&Proxy{ReadAhead: 100}, deferred)
	send(r, client, "hello")
	awaitReadAhead(r, 5)
	f.refuse()
	expect(r, f.accept(), "hello")
	client.Close()
	wantReadAhead(r, 5, 5)
}

// readAheadPausing sends the bytes before the driver accepts, so that they are there when the pause begins.
func readAheadPausing(r *rig) {
	l := r.socket("tcp")
	c := &pausingContent{&Proxy{To: []stream.Addr{addrOf(l.Addr())}, Spec: spec(), ReadAhead: 100, OnEvent: r.recordEvent}, 100 * time.Millisecond}
	p := &proxyFrontend{r.bind("tcp", r.server(c)), l}
	deferred(p.listen)
	client := p.dial()
	send(r, client, "hello")
	must(r, r.driver.Listen(p.listener))
	expect(r, p.accept(), "hello")
	client.Close()
	wantReadAhead(r, 5, 5)
}
