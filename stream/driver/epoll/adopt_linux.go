package epoll

import (
	"errors"

	"weir/stream"
)

// handOver gives the session, its step and its sockets to the adopter, for good. The event is that it can not be.
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

// canLeave says why the session must stay. What Connect has left over is in the way: a handshake comes after all of it.
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

// applyPendingAborts asks the aborts that have not come to this session yet, whatever their pace: they could not find it any more. It
// reports whether the session has other plans than the handshake because of that.
func (c *conn) applyPendingAborts() bool {
	for _, a := range c.l.aborts {
		if a.next > int(c.index) || int(c.index) >= a.end || !a.match(c.s) {
			continue
		}
		if step := c.s.Advance(stream.Event{Kind: stream.Aborted}); step.Do != stream.Keep {
			c.do(step)
			return true
		}
	}
	return false
}

// leave takes the socket out of the epoll set, which a copy of the descriptor would keep it in, and away from the conn. -1: there is none.
func (h *half) leave() int {
	fd := h.fd
	if fd < 0 {
		return -1
	}
	if h.watched {
		epollDel(h.c.l.ep, fd)
	}
	if h.delays {
		h.setNoDelay(true)
	}
	h.fd = -1
	h.c.l.load.connections.Add(-1)
	return int(fd)
}

// connectionsEach is how many connections an adopted session counts for in its loop: the one to its client, and the one to its server,
// which it has or soon will.
const connectionsEach = 2

// A slot is what a session that has been handed over holds of its loop: worker_connections count it still.
type slot struct{ load *load }

// Release gives the place back, from whatever goroutine.
func (p *slot) Release() {
	p.load.sessions.Add(-1)
	p.load.connections.Add(-connectionsEach)
}

// shut ends the mailbox: what is posted from now on is dropped, so that nobody writes to its descriptor once that is closed.
func (m *mailbox) shut() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
}
