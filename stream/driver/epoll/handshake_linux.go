package epoll

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// handshake is a TLS handshake in progress. It runs in a coroutine. The loop resumes the coroutine
// when the socket is ready; an expensive step is run by a worker. While a worker has it, the loop
// uses neither its socket nor its session.
type handshake struct {
	c         *conn
	h         *half
	ctx       context.Context // with the session
	coroutine *coroutine
	cost      time.Duration               // of its most expensive step
	err       error                       // valid when done is set
	panicked  any                         // the panic of a step that a worker ran
	slow      bool                        // its steps read files
	prepare   func() (*tls.Config, error) // of the step, with the server; tlsConn.conn is nil until its call
	started   bool
	done      bool
	cancelled bool
	away      bool // a worker has it
	late      bool // the deadline passed while a worker had it
}

var errCancelled = errors.New("the session has ended")

// startHandshake begins the handshake of the step: with the client after the data already read, or
// with the server, which must have received all data of Connect.
func (c *conn) startHandshake(step stream.Step) (stream.Event, bool) {
	h := &c.client
	if step.Do == stream.HandshakeUpstream {
		h = &c.up
	}
	if h.pending != nil {
		return handshakeFailed(h, stream.ErrUnsent), true
	}
	t := &tlsConn{rawConn: rawConn{h: h}, more: true}
	if h.isUp {
		if step.Prepare == nil {
			t.conn = tls.Client(&t.rawConn, step.TLS)
		}
		c.setup.out = step.Out
	} else {
		h.setNoDelay(c.s.Server.Settings.NoDelay)
		t.conn = tls.Server(&t.rawConn, step.TLS)
		t.early = c.s.TakeHead()
	}
	t.handshake = &handshake{
		c: c, h: h, ctx: stream.WithSession(context.Background(), c.s), coroutine: c.l.getCoroutine(),
		slow: step.Slow || step.Prepare != nil, prepare: step.Prepare,
	}
	h.tls, h.ready = t, true
	return c.resumeHandshake(h)
}

func handshakeFailed(h *half, err error) stream.Event {
	return stream.Event{Kind: stream.Failed, Side: h.streamSide(), Op: stream.OpHandshake, Err: err}
}

// resumeHandshake continues the handshake of the side, or passes it to a worker.
func (c *conn) resumeHandshake(h *half) (stream.Event, bool) {
	hs := h.tls.handshake
	if c.l.prefersWorker(hs) {
		if h.watch(); c.unwatched != 0 {
			return c.watchFailure()
		}
		h.ready = false
		c.l.lend(hs)
		return stream.Event{}, false
	}
	hs.step()
	return c.handshakeResult(h)
}

// step runs the handshake until it is done or waits for the peer.
func (hs *handshake) step() {
	began := time.Now()
	hs.started = true
	hs.coroutine.run(hs)
	hs.cost = max(hs.cost, time.Since(began))
}

// perform runs the whole handshake, in the coroutine.
func (hs *handshake) perform() error {
	t := hs.h.tls
	if hs.prepare != nil {
		config, err := hs.prepare()
		if err != nil {
			return err
		}
		t.conn = tls.Client(&t.rawConn, config)
	}
	return t.conn.HandshakeContext(hs.ctx)
}

// handshakeResult returns the event of a handshake that is done.
func (c *conn) handshakeResult(h *half) (stream.Event, bool) {
	t := h.tls
	hs := t.handshake
	if !hs.done {
		return c.watchFailure()
	}
	t.handshake = nil
	c.l.putCoroutine(hs.coroutine)
	c.l.noteCost(hs.cost)
	if hs.err != nil {
		t.dropOut()
		h.tls = nil
		return handshakeFailed(h, hs.err), true
	}
	c.offer(h)
	state := t.conn.ConnectionState()
	return stream.Event{Kind: stream.HandshakeDone, Side: h.streamSide(), TLS: &state}, true
}

// watchFailure returns the event of a socket that could not be watched, if there is one.
func (c *conn) watchFailure() (stream.Event, bool) {
	if c.unwatched == 0 {
		return stream.Event{}, false
	}
	e := unix.Errno(c.unwatched)
	c.unwatched = 0
	return stream.Event{Kind: stream.Failed, Op: stream.OpWatch, Err: e}, true
}

// offer writes the first data to the server after the handshake. A connection that has failed is
// detected by the relay.
func (c *conn) offer(h *half) {
	out := c.setup.out
	c.setup.out = nil
	if h.isUp && len(out) > 0 && h.tls.write(out) == nil {
		c.countEncrypted(h, len(out))
	}
}

// handshakeEvent continues after an event on side h during a handshake.
func (c *conn) handshakeEvent(h *half) {
	hs := c.handshaking()
	if hs == nil || hs.h != h || hs.away || !h.ready {
		return
	}
	c.advanceIf(c.resumeHandshake(h))
}

// read reads for crypto/tls. If there is no data, it switches to the loop until there is.
func (hs *handshake) read(b []byte) (int, error) {
	for {
		n, e := hs.receive(b)
		switch {
		case e == unix.EAGAIN:
			if hs.coroutine.wait(); hs.cancelled {
				return 0, errCancelled
			}
		case e != 0:
			return 0, e
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// receive reads from the socket. A worker does not use the state of the side: it reads until EAGAIN.
func (hs *handshake) receive(b []byte) (int, unix.Errno) {
	h := hs.h
	if hs.away {
		return read(h.fd, b)
	}
	if !h.ready {
		return 0, unix.EAGAIN
	}
	n, e := read(h.fd, b)
	if e == unix.EAGAIN || e == 0 && n < len(b) && !h.hungUp {
		h.ready = false
		h.watch()
	}
	return n, e
}

// cancel ends the handshake. No worker has it.
func (hs *handshake) cancel() {
	hs.cancelled = true
	if hs.started && !hs.done {
		hs.coroutine.run(hs)
	}
	hs.c.l.putCoroutine(hs.coroutine)
}

// handshaking returns the handshake of the current step, or nil.
func (c *conn) handshaking() *handshake {
	h := &c.client
	switch c.doing() {
	case stream.HandshakeClient:
	case stream.HandshakeUpstream:
		h = &c.up
	default:
		return nil
	}
	if h.tls == nil {
		return nil
	}
	return h.tls.handshake
}

// away reports whether a worker has the handshake of the conn.
func (c *conn) away() bool {
	hs := c.handshaking()
	return hs != nil && hs.away
}

// returned continues a handshake after a worker's step.
func (hs *handshake) returned() {
	c, h := hs.c, hs.h
	if c.l.conns.At(c.index) != c {
		return
	}
	c.l.current = c
	hs.away = false
	if hs.panicked != nil {
		panic(hs.panicked)
	}
	if c.applyMissedAborts() {
		return
	}
	ev, ok := c.handshakeResult(h)
	switch {
	case ok:
	case hs.late:
		ev, ok = stream.Event{Kind: stream.TimedOut}, true
	case h.ready:
		ev, ok = c.resumeHandshake(h)
	}
	c.advanceIf(ev, ok)
}
