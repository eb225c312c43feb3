//go:build linux

package load

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// lost is the timeout of an answer. A datagram load loses none, because few are in flight.
const lost = 5 * time.Second

// minDatagram is the size that makes each datagram of a load unique.
const minDatagram = 16

// A DatagramStorm makes each of many clients send one datagram and wait for its echo. An operation
// is such a session.
type DatagramStorm struct {
	Sessions int
	AtOnce   int // sessions in flight
	Size     int // of a datagram, in bytes
}

// Run puts the storm on the target. It returns early, with an error, if ctx ends or an answer is
// missing.
func (s DatagramStorm) Run(ctx context.Context, t *Target) (Result, error) {
	r, err := newDatagramRun(t, s.Size)
	if err != nil {
		return Result{}, err
	}
	defer r.close()
	span, err := t.begin()
	if err != nil {
		return Result{}, err
	}
	for r.done < s.Sessions {
		for r.opened < s.Sessions && r.opened-r.done < s.AtOnce {
			if err := r.open(); err != nil {
				return Result{}, err
			}
		}
		if err := r.answers(ctx, r.drop); err != nil {
			return Result{}, fmt.Errorf("%d of %d sessions: %w", r.done, s.Sessions, err)
		}
	}
	return span.end(float64(r.done), &r.latency)
}

// An Exchange makes every client send a datagram, wait for its echo, and send again. An operation
// is a round trip.
type Exchange struct {
	Sessions   int
	RoundTrips int // total of all sessions
	Size       int // of a datagram, in bytes
}

// Run runs the exchange on the target. It returns early, with an error, if ctx ends or an answer is
// missing. Each session has had one round trip before Begin.
func (x Exchange) Run(ctx context.Context, t *Target) (Result, error) {
	r, err := newDatagramRun(t, x.Size)
	if err != nil {
		return Result{}, err
	}
	defer r.close()
	if err := r.openAll(ctx, x.Sessions); err != nil {
		return Result{}, err
	}
	span, err := t.begin()
	if err != nil {
		return Result{}, err
	}
	if err := r.exchange(ctx, x.RoundTrips); err != nil {
		return Result{}, err
	}
	return span.end(float64(r.done), &r.latency)
}

// A datagramClient is one UDP session, with at most one datagram in flight.
type datagramClient struct {
	fd      int
	n       int // number of clients opened before it
	sent    int // datagrams sent
	started time.Time
}

// A datagramRun opens sessions and owns their epoll set. It belongs to one goroutine.
type datagramRun struct {
	poll         *poller
	target       *Target
	clients      []*datagramClient // by descriptor
	opened, done int
	heard        time.Time // when the last answer came
	latency      Histogram
	out, in      []byte
}

func newDatagramRun(t *Target, size int) (*datagramRun, error) {
	if len(t.Addrs) == 0 {
		return nil, fmt.Errorf("a load needs an address")
	}
	if size < minDatagram {
		return nil, fmt.Errorf("a datagram has %d bytes at least", minDatagram)
	}
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	return &datagramRun{poll: p, target: t, heard: time.Now(), out: make([]byte, size), in: make([]byte, size+1)}, nil
}

// open creates a client and sends its first datagram.
func (r *datagramRun) open() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	c := &datagramClient{fd: fd, n: r.opened}
	r.opened++
	r.clients = extend(r.clients, fd)
	r.clients[fd] = c
	if err := connectFrom(r.target, fd, c.n); err != nil {
		return fmt.Errorf("session %d: %w", c.n+1, err)
	}
	if err := r.poll.add(fd, unix.EPOLLIN|unix.EPOLLET); err != nil {
		return err
	}
	return r.send(c)
}

// connectFrom binds and connects the socket of the n-th client.
func connectFrom(t *Target, fd, n int) error {
	if err := bindSource(t, fd, n); err != nil {
		return err
	}
	addr := t.Addrs[n%len(t.Addrs)]
	if err := unix.Connect(fd, sockaddr(addr)); err != nil {
		return fmt.Errorf("connect %s: %w", addr, err)
	}
	return nil
}

// send sends a unique datagram.
func (r *datagramRun) send(c *datagramClient) error {
	c.sent++
	c.started = time.Now()
	_, err := write(c.fd, r.sentBy(c))
	return err
}

// sentBy returns the client's last datagram; it is valid until the next call.
func (r *datagramRun) sentBy(c *datagramClient) []byte {
	binary.BigEndian.PutUint64(r.out, uint64(c.n))
	binary.BigEndian.PutUint64(r.out[8:], uint64(c.sent))
	return r.out
}

// answers waits for answers, and calls then for each client that has received its own.
func (r *datagramRun) answers(ctx context.Context, then func(*datagramClient) error) error {
	events, err := r.poll.wait(tick)
	if err != nil {
		return err
	}
	for i := range events {
		if err := r.receive(r.clients[events[i].Fd], then); err != nil {
			return err
		}
	}
	if since := time.Since(r.heard); since > lost {
		return fmt.Errorf("no answer came for %v", since.Round(time.Second))
	}
	return ctx.Err()
}

// receive reads the answer to the client's last datagram. At most one is in flight, so an event is
// one datagram.
func (r *datagramRun) receive(c *datagramClient, then func(*datagramClient) error) error {
	n, err := read(c.fd, r.in)
	if errors.Is(err, errAgain) {
		return nil
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(r.in[:n], r.sentBy(c)) {
		return errAnswer
	}
	r.heard = time.Now()
	r.latency.Add(r.heard.Sub(c.started))
	r.done++
	return then(c)
}

func (r *datagramRun) drop(c *datagramClient) error {
	r.clients[c.fd] = nil
	closeFD(c.fd)
	return nil
}

// openAll opens n sessions, and returns when each has had an answer. These answers are not counted.
func (r *datagramRun) openAll(ctx context.Context, n int) error {
	const atOnce = 64
	for r.done < n {
		for r.opened < n && r.opened-r.done < atOnce {
			if err := r.open(); err != nil {
				return err
			}
		}
		if err := r.answers(ctx, func(*datagramClient) error { return nil }); err != nil {
			return fmt.Errorf("%d of %d sessions were open: %w", r.done, n, err)
		}
	}
	r.done, r.latency = 0, Histogram{}
	return nil
}

// exchange makes all clients send repeatedly, until n round trips are done.
func (r *datagramRun) exchange(ctx context.Context, n int) error {
	sent := 0
	next := func(c *datagramClient) error {
		if sent == n {
			return nil
		}
		sent++
		return r.send(c)
	}
	r.heard = time.Now()
	for _, c := range r.clients {
		if c == nil {
			continue
		}
		if err := next(c); err != nil {
			return err
		}
	}
	for r.done < n {
		if err := r.answers(ctx, next); err != nil {
			return fmt.Errorf("%d of %d round trips: %w", r.done, n, err)
		}
	}
	return nil
}

// close ends every session.
func (r *datagramRun) close() {
	for _, c := range r.clients {
		if c != nil {
			r.drop(c)
		}
	}
	r.poll.close()
}
