package goroutine_test

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/internal/relay"
	"weir/internal/testwait"
	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/driver/goroutine"
	"weir/stream/offline"
)

// TestPanicEndsOneSession tests that a panic ends only its session: both connections are closed,
// the lease is released, the log has the panic, and the driver continues.
func TestPanicEndsOneSession(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault func(*faulty)
	}{
		{"while admitting", func(f *faulty) { f.admit.Store(1) }},
		{"when the relay begins", func(f *faulty) { f.clock.Store(1) }},
		{"in the upload half", func(f *faulty) { f.upload, f.download = 1000, 0; f.clock.Store(2) }},
		{"in the download half", func(f *faulty) { f.upload, f.download = 0, 1000; f.clock.Store(2) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			running := goleak.IgnoreCurrent()
			t.Cleanup(func() {
				testwait.Eventually(t, "all goroutines have ended", func() bool { return goleak.Find(running) == nil })
			})
			f := &faulty{front: listen(t), upstream: listen(t)}
			tt.fault(f)
			f.start(t)
			f.wantClosed(t)
			f.wantLogged(t)
			f.wantServed(t)
		})
	}
}

// faulty is a driver whose environment panics once. It is the lease of all its sessions.
type faulty struct {
	front, upstream  net.Listener
	upload, download int64
	lines            *offline.Lines
	admit            atomic.Int32 // number of the call of Admit that panics; 0 disables it
	clock            atomic.Int32 // number of the clock reading that panics, once a server is connected
	connected        atomic.Bool
	leases           atomic.Int32
}

// Release counts the leases in use.
func (f *faulty) Release() { f.leases.Add(-1) }

// start makes the driver, and starts accepting.
func (f *faulty) start(t *testing.T) {
	t.Helper()
	env, lines := offline.NewEnv(time.Now)
	env.Now, f.lines = f.now, lines
	content := &drivertest.Proxy{
		To:      []stream.Addr{{IP: f.upstream.Addr().(*net.TCPAddr).AddrPort()}},
		Spec:    &relay.Spec{BufferSize: 10, Upload: f.upload, Download: f.download},
		OnEvent: func(_ *stream.Session, ev stream.Event) { f.connected.Store(true) },
	}
	l := &stream.Listen{Config: stream.NewConfig(), Default: &stream.Server{Content: content}}
	file, err := f.front.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	d := goroutine.New(env)
	t.Cleanup(func() {
		d.Close()
		file.Close()
	})
	err = d.Listen(&stream.Listener{FDs: []int{int(file.Fd())}, Admit: func() (*stream.Listen, stream.Lease) {
		count(&f.admit)
		f.leases.Add(1)
		return l, f
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func (f *faulty) now() time.Time {
	if f.connected.Load() {
		count(&f.clock)
	}
	return time.Now()
}

// count counts down, and panics at zero.
func count(n *atomic.Int32) {
	if n.Load() > 0 && n.Add(-1) == 0 {
		panic("by intent")
	}
}

func (f *faulty) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", f.front.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(testwait.Patience))
	return c
}

func (f *faulty) wantClosed(t *testing.T) {
	t.Helper()
	if n, err := f.dial(t).Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %d bytes, %v; want the end", n, err)
	}
	testwait.Eventually(t, "no lease is out", func() bool { return f.leases.Load() == 0 })
}

func (f *faulty) wantLogged(t *testing.T) {
	t.Helper()
	testwait.Eventually(t, "the panic is logged", func() bool { return f.lines.Count("[alert] panic: by intent") == 1 })
}

// wantServed runs a session. The server's first connection may be that of the session before.
func (f *faulty) wantServed(t *testing.T) {
	t.Helper()
	client := f.dial(t)
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	for {
		server, err := f.upstream.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Close() })
		server.SetDeadline(time.Now().Add(testwait.Patience))
		if _, err := server.Read(make([]byte, 1)); err == nil {
			return
		}
	}
}
