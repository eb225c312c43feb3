// Package ports reserves addresses for servers that tests start later.
package ports

import (
	"net/netip"
	"os"
	"syscall"
	"testing"
)

// Reserve returns an address of the loopback interface that no other program gets during the test. A
// server that sets SO_REUSEADDR, as weir, nginx and package net do, can listen on it nevertheless; until
// one does, connections are refused.
func Reserve(t testing.TB) netip.AddrPort {
	t.Helper()
	return reserve(t, loopback)
}

// ReserveAll is Reserve for all addresses: a server can also listen on the wildcard address.
func ReserveAll(t testing.TB) netip.AddrPort {
	t.Helper()
	return reserve(t, netip.IPv4Unspecified())
}

func reserve(t testing.TB, on netip.Addr) netip.AddrPort {
	t.Helper()
	fd, err := socket()
	if err != nil {
		t.Fatal(os.NewSyscallError("socket", err))
	}
	t.Cleanup(func() { syscall.Close(fd) })
	port, err := bind(fd, on)
	if err != nil {
		t.Fatal(os.NewSyscallError("bind", err))
	}
	return netip.AddrPortFrom(loopback, port)
}

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// socket returns a socket that programs started meanwhile do not inherit.
func socket() (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	return fd, err
}

// bind gives the socket that address with a port that the system chooses, and returns the port.
func bind(fd int, on netip.Addr) (uint16, error) {
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: on.As4()}); err != nil {
		return 0, err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	return uint16(name.(*syscall.SockaddrInet4).Port), nil
}
