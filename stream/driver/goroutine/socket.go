package goroutine

import (
	"net"
	"syscall"
	"time"

	"weir/stream"
)

// socket is the common interface of TCP and unix connections.
type socket interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// conn is one of a session's two connections.
type conn struct {
	socket
	raw syscall.RawConn
	tls *tlsConn // nil without TLS, and during the handshake
}

func newConn(s socket) *conn {
	raw, err := s.SyscallConn()
	if err != nil {
		panic(err) // only a nil connection has none
	}
	return &conn{socket: s, raw: raw}
}

// read reads once, in a call from raw. EAGAIN means that there is no data yet.
func (c *conn) read(fd uintptr, b []byte) (int, error) {
	if c.tls != nil {
		return c.tls.read(fd, b)
	}
	return readFD(fd, b)
}

// write writes once, in a call from raw. EAGAIN means that there is no room, and that the same
// bytes must be tried again.
func (c *conn) write(fd uintptr, b []byte) (int, error) {
	if c.tls != nil {
		return c.tls.write(fd, b)
	}
	return writeFD(fd, b)
}

// CloseWrite ends the output, in TLS by an alert first.
func (c *conn) CloseWrite() error {
	if c.tls != nil {
		if err := c.tls.end(c.raw.Write); err != nil {
			return err
		}
	}
	return c.socket.CloseWrite()
}

// Close closes the connection. In TLS it sends close_notify, if that is possible at once.
func (c *conn) Close() error {
	if c.tls != nil {
		c.tls.end(func(try func(fd uintptr) bool) error {
			return c.raw.Control(func(fd uintptr) { try(fd) })
		})
	}
	return c.socket.Close()
}

// wake interrupts all calls that wait for the connection, now and until the deadlines are set
// again.
func (c *conn) wake() {
	if c != nil {
		c.SetDeadline(time.Unix(1, 0))
	}
}

// reset makes the next Close send RST. A unix socket has no RST. In TLS nginx has read the data of
// the socket, and sends none.
func (c *conn) reset() {
	if c.tls != nil {
		return
	}
	if tcp, ok := c.socket.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
}

// setDelay turns on Nagle's algorithm, which package net turns off.
func setDelay(s socket) {
	if tcp, ok := s.(*net.TCPConn); ok {
		tcp.SetNoDelay(false)
	}
}

// addrOf returns the address in the type that sessions use.
func addrOf(a net.Addr) stream.Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return stream.Addr{IP: a.AddrPort()}
	case *net.UnixAddr:
		if a.Name == "@" { // package net's name for the address of an unbound socket
			return stream.UnixAddr("")
		}
		return stream.UnixAddr(a.Name)
	}
	return stream.Addr{}
}

// readFD is read(2), repeated after EINTR. With an error the count is 0.
func readFD(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), b)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// writeFD is write(2), repeated after EINTR. With an error the count is 0.
func writeFD(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), b)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
