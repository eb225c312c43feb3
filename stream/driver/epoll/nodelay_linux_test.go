package epoll

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"weir/stream/driver/internal/poll"
)

// TestSetNoDelay starts with a socket accepted from a listener without the option, and with one
// accepted with it.
func TestSetNoDelay(t *testing.T) {
	for _, inherited := range []bool{false, true} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		raw, err := l.(*net.TCPListener).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) {
			if inherited {
				poll.SetInt(int32(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
			}
			if got := hasNoDelay(int(fd)); got != inherited {
				t.Errorf("port: got %v, want %v", got, inherited)
			}
			h := half{fd: int32(fd), noDelay: inherited}
			for _, want := range []bool{true, false, true} {
				h.setNoDelay(want)
				if got := hasNoDelay(int(fd)); got != want {
					t.Errorf("inherited %v: got %v, want %v", inherited, got, want)
				}
			}
		})
	}
}

// TestNoDelayWaits tests that a server's socket gets the option at the second write; connected
// makes the first one.
func TestNoDelayWaits(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for _, delays := range []bool{false, true} {
		raw.Control(func(fd uintptr) {
			poll.SetInt(int32(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 0)
			h := half{fd: int32(fd), delays: delays, isUp: true}
			for range 2 {
				if n, e := h.write([]byte("x")); n != 1 || e != 0 {
					t.Errorf("wrote %d: %v", n, e)
				}
			}
			if got := hasNoDelay(int(fd)); got != delays || h.delays {
				t.Errorf("waiting %v: got %v, waiting %v; want %v, false", delays, got, h.delays, delays)
			}
		})
	}
}
