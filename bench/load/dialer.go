//go:build linux

package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// tick is how often a waiting test checks whether to continue.
const tick = 100 * time.Millisecond

// A client is one session.
type client struct {
	fd      int
	n       int       // number of clients opened before it
	started time.Time // start of the connect, and later of each round trip
	ready   bool      // CONNACK was received
	got     int       // received bytes of the expected answer
	out     []byte    // bytes that the socket did not accept yet
	tls     *secure   // nil without TLS
}

// A dialer opens sessions and owns their epoll set. It belongs to one goroutine.
type dialer struct {
	poll    *poller
	target  *Target
	run     uint32    // makes client identifiers unique
	clients []*client // by descriptor
	opened  int
	buf     []byte
	connect []byte
}

func newDialer(t *Target) (*dialer, error) {
	if len(t.Addrs) == 0 {
		return nil, fmt.Errorf("a load needs an address")
	}
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	return &dialer{poll: p, target: t, run: rand.Uint32(), buf: make([]byte, 256<<10)}, nil
}

// open starts a session and sends its CONNECT at once: a connect over loopback is complete when it
// returns. role is the part of the client identifier that the broker reads, or the empty string.
func (d *dialer) open(role string) (*client, error) {
	fd, err := tcpSocket()
	if err != nil {
		return nil, err
	}
	c := &client{fd: fd, n: d.opened, started: time.Now()}
	d.opened++
	if err := d.begin(c, role); err != nil {
		closeFD(fd)
		return nil, fmt.Errorf("session %d: %w", c.n+1, err)
	}
	d.clients = extend(d.clients, fd)
	d.clients[fd] = c
	return c, nil
}

func (d *dialer) begin(c *client, role string) error {
	if err := bindSource(d.target, c.fd, c.n); err != nil {
		return err
	}
	addr := d.target.Addrs[c.n%len(d.target.Addrs)]
	if err := unix.Connect(c.fd, sockaddr(addr)); err != nil && err != unix.EINPROGRESS {
		return fmt.Errorf("connect %s: %w", addr, err)
	}
	d.connect = appendConnect(d.connect[:0], fmt.Sprintf("%s%08x-%d", role, d.run, c.n))
	if d.target.TLS != nil {
		c.tls = newSecure(c.fd, d.target.TLS)
	}
	if err := c.send(d.connect); err != nil {
		return fmt.Errorf("connect %s: %w", addr, err)
	}
	c.out = bytes.Clone(c.out) // the next session's CONNECT reuses the buffer
	return d.poll.add(c.fd, edge)
}

// bindSource gives the n-th client its source address, and leaves the port to connect, which can
// share it among destinations.
func bindSource(t *Target, fd, n int) error {
	if len(t.Sources) == 0 {
		return nil
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return fmt.Errorf("setsockopt IP_BIND_ADDRESS_NO_PORT: %w", err)
	}
	from := t.Sources[n%len(t.Sources)]
	if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(from, 0))); err != nil {
		return fmt.Errorf("bind %s: %w", from, err)
	}
	return nil
}

// send writes p, which must not change until the client has sent all of it.
func (c *client) send(p []byte) error {
	c.out = p
	return c.flush()
}

// flush writes what waits: with TLS after the handshake.
func (c *client) flush() error {
	if c.tls != nil {
		if done, err := c.tls.handshake(); err != nil || !done {
			return err
		}
	}
	for len(c.out) > 0 {
		n, err := c.write(c.out)
		if errors.Is(err, errAgain) {
			return nil
		}
		if err != nil {
			return err
		}
		c.out = c.out[n:]
	}
	return nil
}

// write writes p, or a part of it, or returns errAgain.
func (c *client) write(p []byte) (int, error) {
	if c.tls != nil {
		return c.tls.write(p)
	}
	return write(c.fd, p)
}

// read reads into p, or returns errAgain.
func (c *client) read(p []byte) (int, error) {
	if c.tls == nil {
		return read(c.fd, p)
	}
	if !c.tls.done {
		return 0, errAgain
	}
	return c.tls.read(p)
}

// receive reads up to limit bytes. It returns 0 without an error if no input is available.
func (d *dialer) receive(c *client, limit int) ([]byte, error) {
	n, err := c.read(d.buf[:limit])
	switch {
	case errors.Is(err, errAgain):
		return nil, nil
	case err != nil:
		return nil, err
	case n == 0:
		return nil, errClosed
	}
	return d.buf[:n], nil
}

// handshake continues a session that is not ready.
func (d *dialer) handshake(c *client, ev *unix.EpollEvent) error {
	if err := c.flush(); err != nil {
		return err
	}
	if !readable(ev) {
		return nil
	}
	return d.expect(c, connack, &c.ready)
}

// expect reads more of an answer, and sets done once it is complete.
func (d *dialer) expect(c *client, answer []byte, done *bool) error {
	p, err := d.receive(c, len(answer)-c.got)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(answer[c.got:], p) {
		return errAnswer
	}
	if c.got += len(p); c.got == len(answer) {
		c.got, *done = 0, true
	}
	return nil
}

// each waits for events, at most d, and calls f for the client of each until f fails.
func (d *dialer) each(wait time.Duration, f func(*client, *unix.EpollEvent) error) error {
	events, err := d.poll.wait(wait)
	if err != nil {
		return err
	}
	for i := range events {
		c := d.clients[events[i].Fd]
		if c == nil {
			continue // closed after the event was read
		}
		if err := f(c, &events[i]); err != nil {
			return fmt.Errorf("session %d: %w", c.n+1, err)
		}
	}
	return nil
}

// openAll opens n sessions and returns them when all have their CONNACK. At most as many as a
// proxy's shortest backlog are in flight.
func (d *dialer) openAll(ctx context.Context, n int, role func(i int) string) ([]*client, error) {
	const atOnce = 64
	all := make([]*client, 0, n)
	ready := 0
	for ready < n {
		for len(all) < n && len(all)-ready < atOnce {
			c, err := d.open(role(len(all)))
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
		err := d.each(tick, func(c *client, ev *unix.EpollEvent) error {
			if c.ready {
				return nil
			}
			err := d.handshake(c, ev)
			if c.ready {
				ready++
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%d of %d sessions were open: %w", ready, n, ctx.Err())
		}
	}
	return all, nil
}

func (d *dialer) drop(c *client) {
	d.clients[c.fd] = nil
	if c.tls != nil {
		c.tls.close()
	}
	closeFD(c.fd)
}

// close ends every session.
func (d *dialer) close() {
	for _, c := range d.clients {
		if c != nil {
			d.drop(c)
		}
	}
	d.poll.close()
}

// echoed is the role of clients whose packets are echoed.
func echoed(int) string { return "" }
