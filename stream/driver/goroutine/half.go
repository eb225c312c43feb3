package goroutine

import (
	"errors"
	"sync/atomic"
	"syscall"
	"time"

	"weir/internal/relay"
	"weir/stream"
)

// half is one direction of a relay. It belongs to the goroutine that runs carry.
//
// Invariant: it reads only after all earlier data is written, so that it never keeps more than one
// buffer. It waits for data without a buffer.
type half struct {
	r           *relayState
	s           *stream.Session // only its counters are used
	src, dst    *conn
	side        stream.Side // of src
	eof         bool        // src has ended
	broken      bool        // by an error
	done        bool        // and all data is written
	first       bool        // the first byte, or the end before it, is not reported yet
	meter       relay.Meter
	read        *atomic.Int64
	buf         *buffer
	pending     []byte // read, or left by Connect, and not written yet
	limit       int    // the maximum size of a read
	err         error  // of the last read or write
	pausedUntil time.Time
	tryRead     func(fd uintptr) bool // readSome and writeSome, as values made once
	tryWrite    func(fd uintptr) bool
}

// carry moves data until src has ended and all is written, or until the relay is halted.
func (h *half) carry() {
	for !h.done && !h.r.dropped() && h.flush() {
		if h.eof {
			h.ended()
			return
		}
		if !h.allowance() || !h.fill() {
			return
		}
	}
}

// flush writes the pending data, and reports whether to continue.
func (h *half) flush() bool {
	if h.err == nil && len(h.pending) > 0 && h.dst.raw.Write(h.tryWrite) != nil {
		return false
	}
	if h.err == nil {
		return true
	}
	h.r.report(stream.Event{Kind: stream.Failed, Side: 1 - h.side, Op: stream.OpSend, Err: h.err})
	h.r.stop(errorOf(1 - h.side))
	return false
}

// writeSome writes until all is written. It returns false if it has to wait for room.
func (h *half) writeSome(fd uintptr) bool {
	for len(h.pending) > 0 {
		n, err := h.dst.write(fd, h.pending)
		if errors.Is(err, syscall.EAGAIN) {
			return false
		}
		if err != nil {
			h.err = err
			return true
		}
		h.pending = h.pending[n:]
		h.countWritten(n)
		h.r.touch()
	}
	return true
}

// allowance determines how much may be read, waits while that is 0, and reports whether to
// continue.
func (h *half) allowance() bool {
	h.limit = h.r.size()
	if h.meter.Rate <= 0 {
		return true
	}
	if rest := time.Until(h.pausedUntil); rest > 0 && !h.r.pause(rest) {
		return false
	}
	for {
		n, pause := h.meter.Read(h.r.c.d.env.Now(), h.read.Load(), h.r.size())
		if n > 0 {
			h.limit = n
			return true
		}
		if !h.r.pause(pause) {
			return false
		}
	}
}

// fill waits for data, reads once, and reports whether to continue. A failed read is reported to
// the session, and then counts as the end of src.
func (h *half) fill() bool {
	if h.src.raw.Read(h.tryRead) != nil {
		return false
	}
	if h.err != nil {
		h.r.report(stream.Event{Kind: stream.Failed, Side: h.side, Op: stream.OpRecv, Err: h.err})
		h.err, h.eof, h.broken = nil, true, true
		return true
	}
	h.eof = len(h.pending) == 0
	if h.first {
		h.first = false
		h.r.report(stream.Event{Kind: stream.FirstByte, Side: h.side, Data: h.pending})
	}
	if h.meter.Rate > 0 {
		h.pausedUntil = time.Now().Add(h.meter.After(len(h.pending)))
	}
	return true
}

// readSome reads once. If there is no data, it releases the buffer before the wait and returns
// false.
func (h *half) readSome(fd uintptr) bool {
	if h.buf == nil {
		h.buf = getBuffer(h.r.size())
	}
	n, err := h.src.read(fd, h.buf.bytes[:h.limit])
	if errors.Is(err, syscall.EAGAIN) {
		h.release()
		return false
	}
	h.err, h.pending = err, h.buf.bytes[:n]
	h.countRead(h.pending)
	h.r.touch()
	return true
}

func (h *half) countRead(b []byte) {
	if h.side == stream.ClientSide {
		h.s.CountFromClient(len(b))
		return
	}
	h.s.CountFromUpstream(h.r.spec, len(b), b)
}

func (h *half) countWritten(n int) {
	if h.side == stream.ClientSide {
		h.s.CountToUpstream(h.r.spec, n)
		return
	}
	h.s.CountToClient(n)
}

// release returns the buffer to its pool.
func (h *half) release() {
	h.buf.put()
	h.buf = nil
}

// ended ends the relay. With proxy_half_close, it passes on the end while the other half continues.
// It follows ngx_stream_proxy_test_finalize.
func (h *half) ended() {
	h.done = true
	h.release()
	if h.r.spec.HalfClose && h.r.open.Add(-1) > 0 {
		if h.dst.CloseWrite() != nil {
			h.r.stop(errorOf(1 - h.side))
		}
		return
	}
	if h.broken {
		h.r.stop(errorOf(h.side))
		return
	}
	h.r.stop(endOf(h.side))
}

func endOf(side stream.Side) relay.End {
	if side == stream.ClientSide {
		return relay.ClientEOF
	}
	return relay.UpstreamEOF
}

func errorOf(side stream.Side) relay.End {
	if side == stream.ClientSide {
		return relay.ClientError
	}
	return relay.UpstreamError
}
