package pump

import (
	"net"
	"syscall"
	"time"

	"weir/stream"
)

// A socket is what TCP and unix connections have in common.
type socket interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// A conn is one of a session's two connections.
type conn struct {
	socket
	raw syscall.RawConn
}

func newConn(s socket) *conn {
	raw, err := s.SyscallConn()
	if err != nil {
		panic(err) // only a nil connection has none
	}
	return &conn{s, raw}
}

// wake makes all that waits for the connection come back, now and until the deadlines are set again.
func (c *conn) wake() {
	if c != nil {
		c.SetDeadline(time.Unix(1, 0))
	}
}

// reset makes the coming Close send RST. A unix socket can not.
func (c *conn) reset() {
	if tcp, ok := c.socket.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
}

// setDelay turns Nagle's algorithm on, which package net has off.
func setDelay(s socket) {
	if tcp, ok := s.(*net.TCPConn); ok {
		tcp.SetNoDelay(false)
	}
}

// addrOf is the address as sessions know it.
func addrOf(a net.Addr) stream.Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return stream.Addr{IP: a.AddrPort()}
	case *net.UnixAddr:
		if a.Name == "@" { // how package net spells the address of an unbound socket
			return stream.UnixAddr("")
		}
		return stream.UnixAddr(a.Name)
	}
	return stream.Addr{}
}

// readFD is read(2), tried again when a signal has come between. An error has no count.
func readFD(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), b)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// writeFD is write(2), likewise.
func writeFD(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), b)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
