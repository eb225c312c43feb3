package epoll_test

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/internal/testwait"
	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/driver/epoll"
	"weir/stream/offline"
	"weir/stream/status"
)

// TestConnectionsAreCounted tests the limit of connections: a session takes two, and releases both.
func TestConnectionsAreCounted(t *testing.T) {
	const limit = 8
	env, lines := offline.NewEnv(time.Now)
	env.Status = status.NewProcess()
	d, err := epoll.New(env, epoll.Options{Loops: 1, Connections: limit})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	addr := listen(t, d, env, echo(t))
	for i := range 10 * limit {
		c := dial(t, addr)
		if !echoes(c) {
			t.Fatalf("session %d was refused: %v", i, lines.All())
		}
		c.Close()
		testwait.Eventually(t, "all sessions have ended", func() bool { return d.Connections() == 0 })
	}
	testwait.Eventually(t, "half of the connections are served", func() bool { return hold(t, addr, limit/2) })
	if echoes(dial(t, addr)) {
		t.Error("a session was taken beyond the limit")
	}
	if lines.Count("[alert] 8 worker_connections are not enough") == 0 {
		t.Errorf("got log %q, want the alert", lines.All())
	}
	refused := int64(lines.Count("worker_connections are not enough"))
	if got := env.Status.Connections.Snapshot(); got.Dropped != refused || got.Accepted < 10*limit+limit/2+refused || got.Active != limit/2 {
		t.Errorf("got %+v, with %d refused", got, refused)
	}
}

// hold opens n sessions at once, and keeps them if all are served.
func hold(t *testing.T, addr string, n int) bool {
	t.Helper()
	var open []net.Conn
	for range n {
		c := dial(t, addr)
		open = append(open, c)
		if !echoes(c) {
			for _, c := range open {
				c.Close()
			}
			return false
		}
	}
	return true
}

// listen starts a server that proxies to the upstream.
func listen(t *testing.T, d *epoll.Driver, env *stream.Env, upstream stream.Addr) string {
	t.Helper()
	return listenFor(t, d, env, proxyTo(upstream))
}

func proxyTo(upstream stream.Addr) *drivertest.Proxy {
	return &drivertest.Proxy{To: []stream.Addr{upstream}, Spec: &relay.Spec{BufferSize: 1024}}
}

// listenFor serves a content after handlers of the preread phase.
func listenFor(t *testing.T, d *epoll.Driver, env *stream.Env, content stream.Content, handlers ...stream.Handler) string {
	t.Helper()
	addr, port := portFor(t, env, content, handlers...)
	if err := d.Listen(port); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Forget(port) })
	return addr
}

// portFor makes the listener of a content with handlers of the preread phase, and also returns its
// address.
func portFor(t *testing.T, env *stream.Env, content stream.Content, handlers ...stream.Handler) (string, *stream.Listener) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	fd := int(f.Fd())
	if err := unix.SetNonblock(fd, true); err != nil { // Fd has made it blocking
		t.Fatal(err)
	}
	listening := &stream.Listen{
		Config: stream.NewConfig(), Addr: addrOf(l.Addr()),
		Default: &stream.Server{Content: content, Settings: stream.Settings{
			NoDelay: true, ErrorLog: env.Log, PrereadBufferSize: 1024, PrereadTimeout: testwait.Patience,
		}},
	}
	listening.Default.Handlers[stream.Preread] = handlers
	admit := func() (*stream.Listen, stream.Lease) { return listening, nil }
	return l.Addr().String(), &stream.Listener{FDs: []int{fd}, Admit: admit}
}

// echo starts a server that sends everything back.
func echo(t *testing.T) stream.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, struct{ io.Reader }{c}) // without the pipe of a splice
			}()
		}
	}()
	return addrOf(l.Addr())
}

func addrOf(a net.Addr) stream.Addr { return stream.Addr{IP: netip.MustParseAddrPort(a.String())} }

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(testwait.Patience))
	t.Cleanup(func() { c.Close() })
	return c
}

// echoes reports whether c answers.
func echoes(c net.Conn) bool {
	b := make([]byte, 4)
	if _, err := c.Write([]byte("ping")); err != nil {
		return false
	}
	_, err := io.ReadFull(c, b)
	return err == nil
}

// TestEachRefusedSessionIsLoggedByItsServer fills the driver, and counts lines in the log of the
// server and in that of the process.
func TestEachRefusedSessionIsLoggedByItsServer(t *testing.T) {
	const refused = 5
	env, process := offline.NewEnv(time.Now)
	of, server := offline.NewEnv(time.Now)
	d, err := epoll.New(env, epoll.Options{Loops: 2, Connections: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	addr := listen(t, d, of, echo(t))
	if !hold(t, addr, 2) {
		t.Fatal("sessions below the limit are refused")
	}
	for range refused {
		if echoes(dial(t, addr)) {
			t.Fatal("a session was taken beyond the limit")
		}
	}
	const want = "[alert] 2 worker_connections are not enough"
	if n, others := server.Count(want), process.Count(want); n != refused || others > 0 {
		t.Errorf("%d lines in the log of the server and %d in that of the process, want %d and none", n, others, refused)
	}
}
