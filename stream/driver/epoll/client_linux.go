package epoll

import (
	"errors"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// watchClient watches the client while the session waits for something else, and reads up to max
// bytes of it in the cases where nginx reads: when the session has waited for the client before, so
// that the socket is in the event loop.
func (c *conn) watchClient(max int) {
	c.setup.max = max
	if c.setup.waited {
		return
	}
	deferred := c.s.Listen.Options.Deferred
	c.setup.waited = true
	c.setup.reads = c.client.watched || deferred
	c.client.watch()
	if c.setup.reads && (c.client.readable() || deferred) {
		c.readAhead()
	}
}

// readAhead reads the client's data as far as there is room. look detects an end or an error.
func (c *conn) readAhead() {
	h, room := &c.client, c.setup.max-len(c.setup.ahead)
	n := 0
	if room > 0 {
		n = h.readSome(c.l.buf[:min(room, len(c.l.buf))])
	}
	c.setup.ahead = append(c.setup.ahead, c.l.buf[:n]...)
	c.s.Advance(stream.Event{Kind: stream.Bytes, Data: c.l.buf[:n]})
}

// readSome reads into b and returns the number of bytes, 0 also for an end or an error.
func (h *half) readSome(b []byte) int {
	n, err := h.receive(b)
	if err != nil {
		h.ready = h.ready && !errors.Is(err, unix.EAGAIN)
		return 0
	}
	if h.tls == nil && n > 0 && n < len(b) && !h.hungUp {
		h.ready = false
	}
	return n
}

// unlessGone returns step, or the step that the session wants instead because its client
// disconnected while an earlier step waited.
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

// awayEvent handles an event of the client while the session waits for something else.
func (c *conn) awayEvent(events uint32) {
	if c.setup.reads && events&unix.EPOLLIN != 0 {
		c.readAhead()
	}
	if events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		c.advanceIf(c.look())
	}
}

// look returns an event if the client is gone: its connection is broken, or its input has ended and
// no byte of it is unread. The end is reported once.
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
