package goroutine

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/offline"
)

// counter is a lease that counts its releases.
type counter struct{ n int }

// Release counts.
func (c *counter) Release() { c.n++ }

// adoptee returns a session that waits for a handshake.
func adoptee(env *stream.Env, lease stream.Lease) (*stream.Session, stream.Step) {
	content := &drivertest.TLSContent{Proxy: &drivertest.Proxy{OnEvent: func(*stream.Session, stream.Event) {}}, Client: &tls.Config{}}
	server := &stream.Server{Content: content, Settings: stream.Settings{ErrorLog: env.Log}}
	s := stream.NewSession(&stream.Listen{Config: stream.NewConfig(), Default: server}, env, stream.Client{}, lease)
	return s, s.Advance(stream.Event{Kind: stream.Accepted})
}

func socketPair(t *testing.T) (ours, theirs int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

// wantEnd reads until the end from the peer of a closed descriptor.
func wantEnd(t *testing.T, fd int) {
	t.Helper()
	if n, err := unix.Read(fd, make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("got %d, %v; want the end", n, err)
	}
	unix.Close(fd)
}

func TestAdoptWhatCanNotBeAdopted(t *testing.T) {
	env, lines := offline.NewEnv(time.Now)
	d := New(env)
	defer d.Close()
	pipe := make([]int, 2)
	if err := unix.Pipe2(pipe, unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	ours, theirs := socketPair(t)
	var lease counter
	s, next := adoptee(env, &lease)
	d.Adopt(s, next, pipe[1], ours)
	wantEnd(t, pipe[0])
	wantEnd(t, theirs)
	if lease.n != 1 || lines.Count("[crit] dup() failed") != 1 {
		t.Errorf("got %d releases, %q; want 1, and why", lease.n, lines.All())
	}
}

func TestAdoptWhenClosed(t *testing.T) {
	env, lines := offline.NewEnv(time.Now)
	d := New(env)
	d.Close()
	client, otherClient := socketPair(t)
	upstream, otherUpstream := socketPair(t)
	var lease counter
	others := *env
	s, next := adoptee(&others, &lease)
	before := len(lines.All())
	d.Adopt(s, next, client, upstream)
	if s.Env != d.env {
		t.Error("the session has the clock of another driver")
	}
	wantEnd(t, otherClient)
	wantEnd(t, otherUpstream)
	if got := lines.All(); lease.n != 0 || len(got) != before {
		t.Errorf("got %d releases, %q; want the session cut without a word", lease.n, got[before:])
	}
}

// TestAdoptedKeepTheirOptions tests the socket options that package net changes in an adopted
// connection.
func TestAdoptedKeepTheirOptions(t *testing.T) {
	for _, on := range []bool{false, true} {
		server, client := tcpPair(t)
		unix.SetsockoptInt(server, unix.IPPROTO_TCP, unix.TCP_NODELAY, boolInt(on))
		unix.SetsockoptInt(server, unix.SOL_SOCKET, unix.SO_KEEPALIVE, boolInt(on))
		unix.SetsockoptInt(server, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 77)
		clientPair, theirs := socketPair(t)
		c := &session{}
		if err := c.own(clientPair, server); err != nil {
			t.Fatal(err)
		}
		checkKeepAlive(t, c.upstream, on)
		c.upstream.raw.Control(func(fd uintptr) {
			if got, _ := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY); got != boolInt(on) {
				t.Errorf("TCP_NODELAY is %d, want %d", got, boolInt(on))
			}
		})
		c.closeConns()
		wantEnd(t, theirs)
		client.Close()
	}
}

// TestNoResetThroughTLS: nginx has read the client's TLS data, and so sends no RST if that data is
// not forwarded.
func TestNoResetThroughTLS(t *testing.T) {
	for _, secured := range []bool{false, true} {
		fd, client := tcpPair(t)
		sock, err := adopted(fd)
		if err != nil {
			t.Fatal(err)
		}
		c := newConn(sock)
		if secured {
			w := &rawConn{conn: c}
			c.tls = &tlsConn{Conn: tls.Server(w, &tls.Config{}), wire: w}
		}
		c.reset()
		c.Close()
		if _, err := client.Read(make([]byte, 1)); errors.Is(err, io.EOF) != secured {
			t.Errorf("got %v", err)
		}
		client.Close()
	}
}

// tcpPair returns a descriptor and the other end of its connection.
func tcpPair(t *testing.T) (int, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	fd := -1
	raw, err := server.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	if err != nil {
		t.Fatal(err)
	}
	return fd, client
}
