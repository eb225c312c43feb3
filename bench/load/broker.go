//go:build linux

package load

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// forever makes a poller wait without a timeout.
const forever = -time.Millisecond

// A Broker is the server of the load: one TCP listening socket, one UDP socket, and one loop. It
// has every address of the loopback interface, and no other.
type Broker struct {
	poll     *poller
	listener int
	stop     int // an eventfd
	port     int // of connections and of datagrams
	echoes   *echoer
	log      io.Writer

	conns []*brokerConn // by descriptor
	buf   []byte        // last bytes read
	reply []byte        // the answers to buf
}

// Listen creates a broker on the port, or on a free one if it is 0. Protocol errors of clients are
// written to log, one line each. The caller calls Serve, which takes ownership of everything.
func Listen(port int, log io.Writer) (*Broker, error) {
	const attempts = 20
	for attempt := 1; ; attempt++ {
		b := &Broker{log: log, listener: -1, stop: -1, buf: make([]byte, 256<<10)}
		err := b.open(port)
		if err == nil {
			return b, nil
		}
		b.close()
		if port != 0 || attempt == attempts || !errors.Is(err, unix.EADDRINUSE) {
			return nil, err
		}
	}
}

func (b *Broker) open(port int) (err error) {
	if b.poll, err = newPoller(); err != nil {
		return err
	}
	if b.listener, err = listenLoopback(port); err != nil {
		return err
	}
	if b.port, err = portOf(b.listener); err != nil {
		return err
	}
	if b.echoes, err = newEchoer(b.port); err != nil {
		return err
	}
	if err := b.poll.add(b.echoes.fd, unix.EPOLLIN); err != nil {
		return err
	}
	if b.stop, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	if err := b.poll.add(b.stop, unix.EPOLLIN); err != nil {
		return err
	}
	return b.poll.add(b.listener, unix.EPOLLIN)
}

// Addr returns one of the addresses the broker listens on.
func (b *Broker) Addr() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(b.port))
}

// Stop makes Serve return. It may be called from any goroutine, once.
func (b *Broker) Stop() { unix.Write(b.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

// Serve accepts and answers until Stop or a fatal error. It closes everything before it returns.
func (b *Broker) Serve() error {
	defer b.close()
	for {
		events, err := b.poll.wait(forever)
		if err != nil {
			return err
		}
		for i := range events {
			fd := int(events[i].Fd)
			if fd == b.stop {
				return nil
			}
			if err := b.handle(fd, &events[i]); err != nil {
				return err
			}
		}
	}
}

func (b *Broker) handle(fd int, ev *unix.EpollEvent) error {
	switch fd {
	case b.listener:
		return b.accept()
	case b.echoes.fd:
		return b.echoes.answer()
	}
	c := b.conns[fd]
	if c == nil {
		return nil // closed after the event was read
	}
	if err := b.serve(c, ev); err != nil {
		b.closeConn(c, err)
	}
	return nil
}

// closeConn closes a connection that has ended; err is io.EOF if it ended normally.
func (b *Broker) closeConn(c *brokerConn, err error) {
	if !errors.Is(err, io.EOF) {
		fmt.Fprintln(b.log, "broker:", err)
	}
	b.conns[c.fd] = nil
	closeFD(c.fd)
}

func (b *Broker) accept() error {
	for {
		fd, err := accept(b.listener)
		switch {
		case err == nil:
		case errors.Is(err, errAgain):
			return nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
			continue
		default:
			return fmt.Errorf("accept: %w", err)
		}
		b.conns = extend(b.conns, fd)
		b.conns[fd] = &brokerConn{fd: fd}
		if err := b.poll.add(fd, edge); err != nil {
			return err
		}
	}
}

func (b *Broker) close() {
	for _, c := range b.conns {
		if c != nil {
			closeFD(c.fd)
		}
	}
	closeFD(b.listener)
	closeFD(b.stop)
	if b.echoes != nil {
		closeFD(b.echoes.fd)
	}
	if b.poll != nil {
		b.poll.close()
	}
}

// extend returns s, extended if necessary, so that s[i] exists.
func extend[T any](s []T, i int) []T {
	if i < len(s) {
		return s
	}
	return append(s, make([]T, i-len(s)+1024)...)
}
