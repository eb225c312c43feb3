package epoll

import (
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
)

const (
	// readsPerTurn limits how long one busy side delays the others of its loop.
	readsPerTurn = 8
	// spliceAfter is how many full reads of the largest size in a row make a flow a long one.
	spliceAfter = 4
)

// startRelay begins to relay in both directions.
func (c *conn) startRelay(spec *relay.Spec) (stream.Event, bool) {
	c.endSetup()
	c.spec = spec
	c.active = c.l.stamp
	c.startPaces()
	if spec.Timeout > 0 {
		c.l.wheel.Set(&c.timer, c.l.now.Add(spec.Timeout))
	} else {
		c.l.wheel.Remove(&c.timer)
	}
	c.up.watch() // the kernel reports existing conditions of a newly added edge-triggered socket, and has done so for an older one
	c.client.watch()
	if c.flushEncrypted() || c.carry(&c.client) || c.carry(&c.up) {
		return stream.Event{Kind: stream.Relayed}, true
	}
	return stream.Event{}, false
}

// relayEvent continues after an event on side h.
func (c *conn) relayEvent(h *half, writable bool) {
	c.active = c.l.stamp
	if c.spec.Dropped() {
		c.s.Traffic.End = relay.Dropped
		c.relayed()
		return
	}
	if writable && h.blocked() && c.flush(h) {
		c.relayed()
		return
	}
	if h.readable() && c.carry(h) {
		c.relayed()
	}
}

// relayed ends the relay; s.Traffic.End has the reason.
func (c *conn) relayed() { c.do(c.s.Advance(stream.Event{Kind: stream.Relayed})) }

// continueRead continues a side whose turn ended before its input did.
func (h *half) continueRead() {
	h.queued = false
	if h.fd < 0 || h.c.doing() != stream.Relay {
		return
	}
	if h.c.carry(h) {
		h.c.relayed()
	}
}

// checkIdle ends the relay if no data moved during its timeout; otherwise it sets the timer again,
// from the last read or write.
func (c *conn) checkIdle() {
	if c.paused() {
		c.active = c.l.stamp
	}
	left := c.spec.Timeout - time.Duration(c.l.stamp-c.active)
	if left > 0 {
		c.l.wheel.Set(&c.timer, c.l.now.Add(left))
		return
	}
	c.s.Traffic.End = relay.Timeout
	c.relayed()
}

// blocked reports whether data waits until the side's socket accepts more.
func (h *half) blocked() bool {
	return h.full || h.pending != nil || h.other().pipe.holds() || h.tls.holds()
}

// readable reports whether there may be data to read. A side with TLS is not read while encrypted
// data waits for it: a peer could otherwise make it answer key updates without limit.
func (h *half) readable() bool {
	if h.tls == nil {
		return h.ready
	}
	return (h.ready || h.tls.more) && h.tls.out == nil
}

// carry moves data from h to the other side, until there is no more, the other side is blocked, h
// pauses, or its turn is over. It reports whether the relay is over.
func (c *conn) carry(h *half) bool {
	to := h.other()
	for range readsPerTurn {
		if h.eof || !h.readable() || to.blocked() || h.paused() {
			return false
		}
		var over bool
		switch {
		case h.tls != nil || to.tls != nil:
			over = c.copyEncrypted(h, to)
		case h.pipe != nil || h.mayGrow() && h.grown >= spliceFrom:
			over = c.spliceOnce(h, to)
		default:
			over = c.copyOnce(h, to)
		}
		if over {
			return true
		}
	}
	c.l.later(h)
	return false
}

// later queues h to continue after the current events.
func (l *loop) later(h *half) {
	if !h.queued {
		h.queued = true
		l.ready = append(l.ready, h)
	}
}

// copyOnce reads once from h and writes the data to the other side. It reports whether the relay is
// over.
func (c *conn) copyOnce(h, to *half) bool {
	size := h.readSize()
	if size == 0 {
		return false
	}
	if size > c.spec.BufferSize {
		return c.peekOnce(h, to, size)
	}
	n, e := read(h.fd, c.l.buf[:size])
	if e != 0 || n == 0 {
		return c.readEnded(h, e)
	}
	h.noteRead(n, size)
	h.pauseAfter(n)
	return c.writeTo(h, to, c.l.buf[:n])
}

// peekOnce is copyOnce for more than proxy_buffer_size. It only peeks: data that the other side
// does not accept stays in the socket, so that the driver never keeps more than proxy_buffer_size.
func (c *conn) peekOnce(h, to *half, size int) bool {
	n, e := peek(h.fd, c.l.buf[:size])
	if e != 0 || n == 0 {
		return c.readEnded(h, e)
	}
	h.noteRead(n, size)
	return c.writePeeked(h, to, c.l.buf[:n])
}

// readEnded handles a read that returned no data. It reports whether the relay is over.
func (c *conn) readEnded(h *half, e unix.Errno) bool {
	switch e {
	case 0:
		return c.ended(h, false)
	case unix.EAGAIN:
		h.ready = false
		return false
	}
	return c.readFailed(h, e)
}

// readFailed ends the input of h. It reports whether the relay is over.
func (c *conn) readFailed(h *half, err error) bool {
	c.fail(h, stream.OpRecv, err)
	return c.ended(h, true)
}

// noteRead records a read of n bytes into a buffer of size bytes.
func (h *half) noteRead(n, size int) {
	if n < size && !h.hungUp {
		h.ready = false // a short read has emptied the socket; more data raises an event
	}
	h.grow(n, size)
}

// readSize returns how much to read from h now: proxy_buffer_size, more while writes keep up, less
// when its rate is limited.
func (h *half) readSize() int {
	size := h.c.spec.BufferSize
	if !h.local { // the kernel cannot drop peeked data of a unix socket
		size <<= min(h.grown, maxGrowth)
	}
	size = min(size, bufferSize)
	if h.pace == nil {
		return size
	}
	return h.pace.allow(h, size)
}

// A side's reads double in size, up to bufferSize, while they are full and their data is written at
// once; from spliceFrom on it may splice.
const (
	maxGrowth  = 16
	spliceFrom = maxGrowth + spliceAfter
)

// mayGrow reports whether the side has no rate limit.
func (h *half) mayGrow() bool { return h.pace == nil }

// grow enlarges the next read, or makes it small again, after a read of n of size bytes.
func (h *half) grow(n, size int) {
	switch {
	case n < size || !h.mayGrow():
		h.grown = 0
	case size == bufferSize && h.grown < maxGrowth:
		h.grown = maxGrowth
	case h.grown < spliceFrom:
		h.grown++
	}
}

// countRead counts n bytes read from h, and reports the server's first bytes to the session if it
// wants that event. b contains the bytes, or is nil if they were spliced.
func (c *conn) countRead(h *half, n int, b []byte) {
	if !h.isUp {
		c.s.CountFromClient(n)
		return
	}
	if c.s.CountFromUpstream(c.spec, n, b) == int64(n) && c.spec.FirstByte {
		c.s.Advance(stream.Event{Kind: stream.FirstByte, Data: b})
	}
}

func (c *conn) countWritten(h *half, n int) {
	if h.isUp {
		c.s.CountToUpstream(c.spec, n)
	} else {
		c.s.CountToClient(n)
	}
}

// writeTo writes b, which was read from h, and keeps the unsent part. It reports whether the relay
// is over.
func (c *conn) writeTo(h, to *half, b []byte) bool {
	c.countRead(h, len(b), b)
	n, e := to.write(b)
	if e != 0 && e != unix.EAGAIN {
		return c.writeFailed(to, e)
	}
	c.countWritten(to, n)
	if n < len(b) {
		to.keep(b[n:])
		h.grown = 0
	}
	return false
}

// writePeeked writes b, which is still in h's socket, and drops the written part from that socket.
// It reports whether the relay is over.
func (c *conn) writePeeked(h, to *half, b []byte) bool {
	n, e := to.write(b)
	if e != 0 && e != unix.EAGAIN {
		return c.writeFailed(to, e)
	}
	if n > 0 {
		if e := drop(h.fd, n); e != 0 {
			return c.dropFailed(h, e)
		}
		c.countRead(h, n, b[:n])
		c.countWritten(to, n)
	}
	if n < len(b) {
		to.full, h.ready, h.grown = true, true, 0
	}
	return false
}

// dropFailed ends the relay: the data already written would be read again.
func (c *conn) dropFailed(h *half, e unix.Errno) bool {
	c.fail(h, stream.OpRecv, e)
	c.s.Traffic.End = endOf(h, true)
	return true
}

// write writes to the side. A spliced flow was written to before, so that TCP_NODELAY is on for it
// as well.
func (h *half) write(b []byte) (int, unix.Errno) {
	if h.delays {
		h.delays = false
		h.setNoDelay(true)
	}
	return write(h.fd, b)
}

// writeFailed ends the relay, because the peer is gone.
func (c *conn) writeFailed(to *half, err error) bool {
	c.fail(to, stream.OpSend, err)
	c.s.Traffic.End = endOf(to, true)
	return true
}

// flush writes the data that waits for the side, then lets the other side read again. It reports
// whether the relay is over.
func (c *conn) flush(h *half) bool {
	h.full = false
	if h.tls.holds() {
		switch e := c.flushSide(h); e {
		case 0:
		case unix.EAGAIN:
			return false
		default:
			return c.writeFailed(h, e)
		}
	}
	for h.pending != nil {
		n, e := h.write(h.pending.data)
		if e == unix.EAGAIN {
			return false
		}
		if e != 0 {
			return c.writeFailed(h, e)
		}
		c.countWritten(h, n)
		if h.pending.data = h.pending.data[n:]; len(h.pending.data) == 0 {
			h.dropPending()
		}
	}
	from := h.other()
	if from.pipe.holds() && c.drain(from, h) {
		return true
	}
	if h.blocked() {
		return false
	}
	if from.eof {
		return c.passEnd(from)
	}
	return c.carry(from)
}

// ended records that h returns no more data. It reports whether the relay is over.
func (c *conn) ended(h *half, failed bool) bool {
	h.eof = true
	if h.isUp && !failed && c.spec.FirstByte && c.s.Traffic.FromUpstream.Load() == 0 {
		c.s.Advance(stream.Event{Kind: stream.FirstByte})
	}
	if c.s.Traffic.End == 0 || c.spec.HalfClose {
		c.s.Traffic.End = endOf(h, failed)
	}
	if h.other().blocked() {
		return false
	}
	return c.passEnd(h)
}

func endOf(h *half, failed bool) relay.End {
	switch {
	case h.isUp && failed:
		return relay.UpstreamError
	case h.isUp:
		return relay.UpstreamEOF
	case failed:
		return relay.ClientError
	}
	return relay.ClientEOF
}

// passEnd passes on the end of h after all its bytes are written. Without proxy_half_close the
// relay is over; with it, the relay is over when both sides have ended.
func (c *conn) passEnd(h *half) bool {
	if h.done {
		return false
	}
	h.done = true
	if !c.spec.HalfClose {
		return true
	}
	h.other().closeWrite()
	return h.other().done
}
