package goroutine

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
	tls *tlsConn // nil: there is none, or no more than a handshake
}

func newConn(s socket) *conn {
	raw, err := s.SyscallConn()
	if err != nil {
		panic(err) // only a nil connection has none
	}
	return &conn{socket: s, raw: raw}
}

// read reads once, in a call from raw. EAGAIN: there is nothing yet.
func (c *conn) read(fd uintptr, b []byte) (int, error) {
	if c.tls != nil {
		return c.tls.read(fd, b)
	}
	return readFD(fd, b)
}

// write writes once, in a call from raw. EAGAIN: there is no room, and the same bytes have to be tried again.
func (c *conn) write(fd uintptr, b []byte) (int, error) {
	if c.tls != nil {
		return c.tls.write(fd, b)
	}
	return writeFD(fd, b)
}

// CloseWrite tells the peer that nothing more comes; in TLS first by an alert.
func (c *conn) CloseWrite() error {
	if c.tls != nil {
		if err := c.tls.end(c.raw.Write); err != nil {
			return err
		}
	}
	return c.socket.CloseWrite()
}

// Close closes the connection. In TLS it tells the peer, if that can be done at once.
func (c *conn) Close() error {
	if c.tls != nil {
		c.tls.end(func(try func(fd uintptr) bool) error {
			return c.raw.Control(func(fd uintptr) { try(fd) })
		})
	}
	return c.socket.Close()
}

// wake makes all that waits for the connection come back, now and until the deadlines are set again.
func (c *conn) wake() {
	if c != nil {
		c.SetDeadline(time.Unix(1, 0))
	}
}

// reset makes the coming Close send RST. A unix socket can not. In TLS nginx has taken what came out of the socket, and sends none.
func (c *conn) reset() {
	if c.tls != nil {
		return
	}
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
