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

// Listen opens the socket of an address as in -l: a port, an address with a port, or the path of a
// socket of UNIX, which only the user of the process can connect to. It removes the file of the socket
// when it is closed. The error is nginx's sentence.
func Listen(address string, lookup func(name string) ([]netip.Addr, error)) (net.Listener, error) {
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
	l, err := open(addrs[0])
	if err != nil {
		return nil, fmt.Errorf("control: bind() failed%s", errorlog.Errno(err))
	}
	return &limitedListener{Listener: l, slots: make(chan struct{}, maxConnections)}, nil
}

// open opens the socket.
func open(a stream.Addr) (net.Listener, error) {
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
