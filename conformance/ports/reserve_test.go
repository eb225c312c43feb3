package ports

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
)

// TestReserve tests that a reserved address refuses connections, that a server can listen on it, and
// that the system does not give it to another socket.
func TestReserve(t *testing.T) {
	addr := Reserve(t)
	if _, err := net.Dial("tcp", addr.String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("without a server: got %v, want a refusal", err)
	}
	other, err := socket()
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(other)
	if err := syscall.Bind(other, &syscall.SockaddrInet4{Addr: loopback.As4(), Port: int(addr.Port())}); err != syscall.EADDRINUSE {
		t.Errorf("a socket without SO_REUSEADDR: got %v, want %v", err, syscall.EADDRINUSE)
	}
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// TestReserveAll tests that servers can listen on one address and on all.
func TestReserveAll(t *testing.T) {
	addr := ReserveAll(t)
	for _, host := range []string{addr.String(), net.JoinHostPort("0.0.0.0", strconv.Itoa(int(addr.Port())))} {
		l, err := net.Listen("tcp4", host)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
}
