package goroutine

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"weir/stream"
)

func TestDialSetsOptions(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	target := stream.Target{Addr: addrOf(l.Addr())}
	for _, tt := range []struct {
		name                string
		change              func(*stream.Target)
		level, option       int
		want, wantOtherwise int
	}{
		{"keepalive", func(t *stream.Target) { t.KeepAlive = true }, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1, 0},
		{"nodelay", func(t *stream.Target) { t.NoDelay = true }, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1, 0},
		{"rcvbuf", func(t *stream.Target) { t.RcvBuf = 10000 }, unix.SOL_SOCKET, unix.SO_RCVBUF, 20000, -1},
		{"sndbuf", func(t *stream.Target) { t.SndBuf = 10000 }, unix.SOL_SOCKET, unix.SO_SNDBUF, 20000, -1},
		{
			"bind", func(t *stream.Target) { t.Local.IP = netip.MustParseAddrPort("127.0.0.3:0") },
			unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1, 0,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			with := target
			tt.change(&with)
			if got := optionOf(t, &with, tt.level, tt.option); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
			if got := optionOf(t, &target, tt.level, tt.option); got != tt.wantOtherwise && tt.wantOtherwise >= 0 {
				t.Errorf("got %d when not asked for, want %d", got, tt.wantOtherwise)
			}
		})
	}
}

func optionOf(t *testing.T, target *stream.Target, level, option int) int {
	t.Helper()
	sock, err := dial(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	c := newConn(sock)
	defer c.Close()
	var value int
	c.raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, option) })
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestClientNoDelay: tcp_nodelay applies to the client when the content begins; until then
// TCP_NODELAY is on.
func TestClientNoDelay(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, on := range []bool{true, false} {
		sock, err := dial(t.Context(), &stream.Target{Addr: addrOf(l.Addr()), NoDelay: true})
		if err != nil {
			t.Fatal(err)
		}
		c := newSession(nil, sock)
		c.s = &stream.Session{Server: &stream.Server{Settings: stream.Settings{NoDelay: on}}}
		c.beginContent()
		var got int
		c.client.raw.Control(func(fd uintptr) { got, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY) })
		if got != boolInt(on) || err != nil {
			t.Errorf("got %d, %v; want %d", got, err, boolInt(on))
		}
		c.client.Close()
	}
}

func TestOpOf(t *testing.T) {
	for call, want := range map[string]stream.Op{
		"socket": stream.OpSocket, "setsockopt": stream.OpSocket, "bind": stream.OpBind, "connect": stream.OpConnect,
	} {
		if got := opOf(call); got != want {
			t.Errorf("%s: got %v, want %v", call, got, want)
		}
	}
}

// TestAcceptedInheritKeepAlive: accepted sockets have the settings of the listening socket,
// although package net would change them.
func TestAcceptedInheritKeepAlive(t *testing.T) {
	for _, on := range []bool{false, true} {
		lc := net.ListenConfig{KeepAlive: -1}
		l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		fd := int(f.Fd())
		if on {
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
			unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 77)
		}
		keepAlive := keepAliveOf(fd)
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		own, err := newNetListener(fd)
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := own.Accept()
		if err != nil {
			t.Fatal(err)
		}
		inherit(accepted.(socket), keepAlive)
		checkKeepAlive(t, newConn(accepted.(socket)), on)
		for _, c := range []interface{ Close() error }{accepted, own, client, f, l} {
			c.Close()
		}
	}
}

func checkKeepAlive(t *testing.T, c *conn, on bool) {
	t.Helper()
	c.raw.Control(func(fd uintptr) {
		keep, _ := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE)
		idle, _ := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)
		if keep != boolInt(on) || on && idle != 77 {
			t.Errorf("keepalive %d after %d s; want %d, after 77 s if on", keep, idle, boolInt(on))
		}
	})
}

func TestNotConnectedKeepsTheSystemsReason(t *testing.T) {
	c := &session{}
	err := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}
	ev := c.notConnected(t.Context(), err)
	if ev.Kind != stream.Failed || ev.Op != stream.OpConnect || !errors.Is(ev.Err, syscall.EHOSTUNREACH) {
		t.Errorf("got %+v", ev)
	}
}
