package loop

import (
	"golang.org/x/sys/unix"

	"weir/stream"
)

// watchClient has the client watched while the session waits for something else.
func (c *conn) watchClient() {
	c.setup.waited = true
	c.client.watch()
}

// unlessGone returns step, or what the session wants instead of it because its client has gone while an earlier step waited.
func (c *conn) unlessGone(step stream.Step) stream.Step {
	switch step.Do {
	case stream.Connect, stream.Resolve, stream.Pause:
	default:
		return step
	}
	if !c.setup.waited && !c.client.hungUp {
		return step
	}
	ev, gone := c.look()
	if !gone {
		return step
	}
	if other := c.s.Advance(ev); other.Do != stream.Keep {
		return other
	}
	return step
}

// awayEvent is an event of the client while the session waits for something else. What the client sends stays in its socket.
func (c *conn) awayEvent(events uint32) {
	if events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		c.advanceIf(c.look())
	}
}

// look returns the event that the client has gone, if it has: its connection is broken, or its input has ended, which is reported once,
// and nothing of it is unread.
func (c *conn) look() (stream.Event, bool) {
	if e := socketError(c.client.fd); e != 0 {
		return stream.Event{Kind: stream.Failed, Side: stream.ClientSide, Op: stream.OpRecv, Err: e}, true
	}
	if c.setup.ended {
		return stream.Event{}, false
	}
	var b [1]byte
	if n, e := peek(c.client.fd, b[:]); n != 0 || e != 0 {
		return stream.Event{}, false
	}
	c.setup.ended = true
	return stream.Event{Kind: stream.EOF}, true
}
