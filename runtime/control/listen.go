package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"

	"weir/directives/conf"
	"weir/internal/errorlog"
	"weir/stream"
)

// A Socket is the listening socket of -l. It outlives the listeners that serve it.
type Socket struct {
	Addr stream.Addr
	file *os.File
}

// Listen opens the socket of an address as in -l: a port, an address with a port, or the path of a
// socket of UNIX, which only the user of the process can connect to. inherited returns a descriptor that
// listens on the address already, if there is one. The error is nginx's sentence.
func Listen(address string, lookup func(name string) ([]netip.Addr, error), inherited func(stream.Addr) (fd int, ok bool)) (*Socket, error) {
	a, err := conf.ParseListen(address)
	if err != nil {
		return nil, fmt.Errorf("control: %w in \"%s\"", err, address)
	}
	if a.NoPort || a.Port != a.PortEnd {
		return nil, fmt.Errorf("control: invalid port in \"%s\"", address)
	}
	addrs, err := a.Resolve(lookup)
	if err != nil {
		return nil, fmt.Errorf("control: %w in \"%s\"", err, address)
	}
	if fd, ok := inherited(addrs[0]); ok {
		return &Socket{addrs[0], os.NewFile(uintptr(fd), address)}, nil
	}
	file, err := open(addrs[0])
	if err != nil {
		return nil, fmt.Errorf("control: bind() failed%s", errorlog.Errno(err))
	}
	return &Socket{addrs[0], file}, nil
}

// Listener returns a listener of the socket. Closing it leaves the socket open.
func (s *Socket) Listener() (net.Listener, error) {
	l, err := net.FileListener(s.file)
	if err != nil {
		return nil, err
	}
	if named, ok := l.(*net.UnixListener); ok {
		named.SetUnlinkOnClose(false)
	}
	return &limitedListener{Listener: l, slots: make(chan struct{}, maxConnections)}, nil
}

// Descriptor returns the descriptor of the socket.
func (s *Socket) Descriptor() (fd int) {
	if raw, err := s.file.SyscallConn(); err == nil {
		raw.Control(func(n uintptr) { fd = int(n) }) // Fd would make the socket blocking
	}
	return fd
}

// Close closes the socket, and leaves the file of a socket of UNIX.
func (s *Socket) Close() { s.file.Close() }

// open opens the socket.
func open(a stream.Addr) (*os.File, error) {
	l, err := listen(a)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	switch l := l.(type) {
	case *net.UnixListener:
		l.SetUnlinkOnClose(false)
		return l.File()
	case *net.TCPListener:
		return l.File()
	}
	return nil, net.UnknownNetworkError(l.Addr().Network())
}

// listen begins to listen on an address.
func listen(a stream.Addr) (net.Listener, error) {
	var c net.ListenConfig
	switch {
	case a.Unix:
		removeStale(a.Path)
		before := syscall.Umask(0o177)
		defer syscall.Umask(before)
		return c.Listen(context.Background(), "unix", a.Path)
	case a.IP.Addr().Is4(): // with "tcp", 0.0.0.0 would include IPv6
		return c.Listen(context.Background(), "tcp4", a.IP.String())
	}
	return c.Listen(context.Background(), "tcp6", a.IP.String())
}

// removeStale removes the file of a socket on which no process listens, as after a process was killed.
func removeStale(path string) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return
	}
	c, err := net.Dial("unix", path)
	switch {
	case err == nil:
		c.Close()
	case errors.Is(err, syscall.ECONNREFUSED):
		os.Remove(path) // otherwise, listening fails
	}
}

// A limitedListener has at most as many connections as there are slots; further clients wait.
type limitedListener struct {
	net.Listener
	slots chan struct{}
}

// Accept waits for a slot and a client.
func (l *limitedListener) Accept() (net.Conn, error) {
	l.slots <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{Conn: c, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

// A limitedConn takes a slot until it is closed.
type limitedConn struct {
	net.Conn
	release func()
}

// Close closes the connection.
func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
