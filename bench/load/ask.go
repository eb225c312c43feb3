//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// An Ask opens sessions that set their source address by the PROXY protocol and are answered by the
// proxy itself. An operation is a session, its latency the time from connect to the end of the
// answer.
type Ask struct {
	Sessions int
	AtOnce   int        // sessions open at a time
	Asks     []Question // used in turn
}

// A Question is the source of a session and the expected answer.
type Question struct {
	From   netip.Addr // IPv4
	Answer string
}

// Run runs the load on the target. It returns early, with an error, if ctx ends or if a session
// fails or has a wrong answer.
func (a Ask) Run(ctx context.Context, t *Target) (Result, error) {
	p, err := newPoller()
	if err != nil {
		return Result{}, err
	}
	r := &askRun{Ask: a, poll: p, target: t}
	defer r.close()
	span, err := t.begin()
	if err != nil {
		return Result{}, err
	}
	for r.done < a.Sessions {
		if err := r.turn(ctx); err != nil {
			return Result{}, fmt.Errorf("%d of %d sessions: %w", r.done, a.Sessions, err)
		}
	}
	return span.end(float64(r.done), &r.latency)
}

// An asker is one session.
type asker struct {
	fd      int
	q       *Question
	started time.Time
	got     []byte
}

type askRun struct {
	Ask
	poll         *poller
	target       *Target
	clients      []*asker // by descriptor
	opened, done int
	latency      Histogram
	buf          [4 << 10]byte
}

// turn opens new sessions up to the limit, and handles events.
func (r *askRun) turn(ctx context.Context) error {
	for r.opened < r.Sessions && r.opened-r.done < r.AtOnce {
		if err := r.open(); err != nil {
			return err
		}
	}
	events, err := r.poll.wait(tick)
	if err != nil {
		return err
	}
	for i := range events {
		c := r.clients[events[i].Fd]
		if c == nil || !readable(&events[i]) {
			continue
		}
		if err := r.read(c); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (r *askRun) open() error {
	fd, err := tcpSocket()
	if err != nil {
		return err
	}
	n := r.opened
	r.opened++
	c := &asker{fd: fd, q: &r.Asks[n%len(r.Asks)], started: time.Now()}
	r.clients = extend(r.clients, fd)
	r.clients[fd] = c
	if err := bindSource(r.target, fd, n); err != nil {
		return err
	}
	addr := r.target.Addrs[n%len(r.target.Addrs)]
	if err := unix.Connect(fd, sockaddr(addr)); err != nil && err != unix.EINPROGRESS {
		return fmt.Errorf("connect %s: %w", addr, err)
	}
	if _, err := write(fd, fmt.Appendf(nil, "PROXY TCP4 %s 127.0.0.1 1024 1883\r\n", c.q.From)); err != nil {
		return fmt.Errorf("connect %s: %w", addr, err)
	}
	return r.poll.add(fd, edge)
}

// read reads the available answer, up to the end.
func (r *askRun) read(c *asker) error {
	for {
		n, err := read(c.fd, r.buf[:])
		switch {
		case errors.Is(err, errAgain):
			return nil
		case err != nil:
			return err
		case n == 0:
			return r.end(c)
		}
		c.got = append(c.got, r.buf[:n]...)
	}
}

func (r *askRun) end(c *asker) error {
	if string(c.got) != c.q.Answer {
		return fmt.Errorf("%s: got %q, want %q", c.q.From, c.got, c.q.Answer)
	}
	r.latency.Add(time.Since(c.started))
	r.done++
	r.drop(c)
	return nil
}

func (r *askRun) drop(c *asker) {
	r.clients[c.fd] = nil
	closeFD(c.fd)
}

func (r *askRun) close() {
	for _, c := range r.clients {
		if c != nil {
			r.drop(c)
		}
	}
	r.poll.close()
}
