package epoll

import (
	"errors"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// copyEncrypted is copyOnce where at least one of the sides uses TLS. It reports whether the relay is
// over.
//
// Data of TLS cannot be peeked, so what the other side does not accept is kept: up to one read of
// at most bufferSize.
func (c *conn) copyEncrypted(h, to *half) bool {
	size := h.encryptedReadSize()
	if size == 0 {
		return false
	}
	b := c.l.buf[:size]
	n, err := h.receiveAll(b)
	switch {
	case errors.Is(err, unix.EAGAIN):
		h.ready = false
		return false
	case err != nil:
		return c.readFailed(h, err)
	case n == 0:
		return c.ended(h, false)
	}
	if h.tls == nil {
		h.noteRead(n, size)
	} else {
		h.grow(n, size)
	}
	h.pauseAfter(n)
	if to.tls != nil {
		return c.seal(h, to, b[:n])
	}
	return c.writeTo(h, to, b[:n])
}

// encryptedReadSize returns how much to read from h now: proxy_buffer_size, more while writes keep up,
// less when its rate is limited.
func (h *half) encryptedReadSize() int {
	size := min(h.c.spec.BufferSize<<min(h.grown, maxGrowth), bufferSize)
	if h.pace == nil {
		return size
	}
	return h.pace.allow(h, size)
}

// receiveAll reads from the side as much as there is, up to the size of b.
func (h *half) receiveAll(b []byte) (int, error) {
	if h.tls != nil {
		return h.tls.fill(b)
	}
	return h.receive(b)
}

// seal encrypts b, which was read from h, and writes it to the other side. It reports whether the
// relay is over.
func (c *conn) seal(h, to *half, b []byte) bool {
	c.countRead(h, len(b), b)
	if err := to.tls.write(b); err != nil {
		return c.writeFailed(to, err)
	}
	c.countEncrypted(to, len(b))
	if to.tls.holds() {
		h.grown = 0
	}
	return false
}

// countEncrypted counts n bytes of data that were encrypted for the side: at once, or when the socket
// has accepted all encrypted data.
func (c *conn) countEncrypted(h *half, n int) {
	if h.tls.holds() {
		h.tls.owed += n
		return
	}
	c.countWritten(h, n)
}

// flushSide writes the encrypted data that waits for the side. It returns EAGAIN if some is left.
func (c *conn) flushSide(h *half) unix.Errno {
	e := h.tls.flush()
	if e == 0 {
		c.countWritten(h, h.tls.owed)
		h.tls.owed = 0
	}
	return e
}

// flushEncrypted writes, at the beginning of a relay, the encrypted data that waits for either side:
// the event that the socket accepts more may have come in an earlier step. It reports whether the
// relay is over.
func (c *conn) flushEncrypted() bool {
	for _, h := range [...]*half{&c.client, &c.up} {
		if !h.tls.holds() {
			continue
		}
		if e := c.flushSide(h); e != 0 && e != unix.EAGAIN {
			return c.writeFailed(h, e)
		}
	}
	return false
}

// sendEncrypted is sendClient for a client with TLS.
func (c *conn) sendEncrypted() (stream.Event, bool) {
	h := &c.client
	if out := c.setup.out; len(out) > 0 && !h.tls.holds() {
		c.setup.out = nil
		if err := h.tls.write(out); err != nil {
			c.fail(h, stream.OpSend, err)
			return stream.Event{Kind: stream.Relayed}, true
		}
		h.tls.owed += len(out)
	}
	switch e := c.flushSide(h); {
	case e == unix.EAGAIN:
		h.watch()
		return stream.Event{}, false
	case e != 0:
		c.fail(h, stream.OpSend, e)
	case len(c.setup.out) > 0:
		return c.sendEncrypted()
	}
	return stream.Event{Kind: stream.Relayed}, true
}

// closeWrite ends the output of the side.
func (h *half) closeWrite() {
	if h.tls != nil {
		h.tls.closeWrite()
		return
	}
	shutdownWrite(h.fd)
}
