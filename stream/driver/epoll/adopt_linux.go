package epoll

import (
	"errors"

	"weir/stream"
	"weir/stream/driver/internal/poll"
)

// handOver transfers the session, its step and its sockets to the adopter. It returns the event to
// report if that is not possible.
func (c *conn) handOver(step stream.Step) (stream.Event, bool) {
	if err := c.canLeave(step); err != nil {
		return stream.Event{Kind: stream.Failed, Side: sideOf(step), Op: stream.OpHandshake, Err: err}, true
	}
	if c.applyPendingAborts() {
		return stream.Event{}, false
	}
	s, l := c.s, c.l
	client, up := c.client.leave(), c.up.leave()
	c.close()
	l.load.sessions.Add(1)
	l.load.connections.Add(connectionsEach)
	s.Hold(&slot{l.load})
	l.adopter.Adopt(s, step, client, up)
	return stream.Event{}, false
}

var (
	errNoAdopter = errors.New("no driver for handshakes")
	errUnsent    = errors.New("what comes before the handshake was not sent")
)

// canLeave returns the reason why the session must stay. Unsent data of Connect prevents the
// handshake, which must follow all of it.
func (c *conn) canLeave(step stream.Step) error {
	switch {
	case c.l.adopter == nil:
		return errNoAdopter
	case step.Do == stream.HandshakeUpstream && c.up.pending != nil:
		return errUnsent
	}
	return nil
}

func sideOf(step stream.Step) stream.Side {
	if step.Do == stream.HandshakeUpstream {
		return stream.UpstreamSide
	}
	return stream.ClientSide
}

// applyPendingAborts applies paced aborts that have not reached this session, because they cannot
// find it after the hand-off. It reports whether the session wants another step than the handshake
// now.
func (c *conn) applyPendingAborts() bool {
	for _, a := range c.l.aborts {
		if !a.Pending(c.index, c.s) {
			continue
		}
		if step := c.s.Advance(stream.Event{Kind: stream.Aborted}); step.Do != stream.Keep {
			c.do(step)
			return true
		}
	}
	return false
}

// leave removes the socket from the epoll set and from the conn, and returns it, or -1 without a
// socket. The removal is explicit because a copy of the descriptor would keep the socket in the
// set.
func (h *half) leave() int {
	fd := h.fd
	if fd < 0 {
		return -1
	}
	if h.watched {
		poll.EpollRemove(h.c.l.set.FD, fd)
	}
	if h.delays {
		h.setNoDelay(true)
	}
	h.fd = -1
	h.c.l.load.connections.Add(-1)
	return int(fd)
}

// connectionsEach is how many connections an adopted session counts for in its loop: one to its
// client, and one to its server, which it has or will soon have.
const connectionsEach = 2

// slot is the lease by which worker_connections still counts a session that was handed over.
type slot struct{ load *load }

// Release frees the slot. Any goroutine may call it.
func (p *slot) Release() {
	p.load.sessions.Add(-1)
	p.load.connections.Add(-connectionsEach)
}
