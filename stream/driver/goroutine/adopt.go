package goroutine

import (
	"net"
	"os"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
	"weir/stream"
)

var _ stream.Adopter = (*Driver)(nil)

// Adopt continues a session that another driver has begun. If the driver is closed, it closes the
// session at once.
func (d *Driver) Adopt(s *stream.Session, next stream.Step, client, upstream int) {
	c := &session{d: d, s: s, given: next}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Env = d.env
	if err := c.own(client, upstream); err != nil {
		d.env.Log.Write(stream.LevelCrit, 0, "dup() failed"+errorlog.Errno(err))
		c.closeConns()
		c.s.Advance(stream.Event{Kind: stream.Aborted})
		return
	}
	if !d.add(c) {
		c.closeConns()
		return
	}
	go c.run()
}

// own makes connections of the descriptors, and closes the descriptors in any case.
func (c *session) own(client, upstream int) error {
	sock, err := adopted(client)
	if err == nil {
		c.client = newConn(sock)
	}
	if upstream < 0 {
		return err
	}
	noDelay, _ := unix.GetsockoptInt(upstream, unix.IPPROTO_TCP, unix.TCP_NODELAY)
	sock, upErr := adopted(upstream)
	if upErr != nil {
		return upErr
	}
	if noDelay == 0 {
		setDelay(sock)
	}
	c.upstream = newConn(sock)
	return err
}

// adopted makes a connection of a copy of fd, and closes fd. Package net turns TCP_NODELAY on, as
// for any accepted connection.
func adopted(fd int) (socket, error) {
	f := os.NewFile(uintptr(fd), "connection")
	defer f.Close()
	keepAlive := keepAliveOf(fd)
	made, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	inherit(made.(socket), keepAlive)
	return made.(socket), nil
}

func (c *session) closeConns() {
	for _, conn := range [...]*conn{c.client, c.upstream} {
		if conn != nil {
			conn.Close()
		}
	}
}
