package goroutine

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"syscall"
	"time"

	"weir/stream"
)

// handshakeClient does the handshake with the client, which begins with the data already read.
func (c *session) handshakeClient(step stream.Step) stream.Event {
	sh := &handshake{c: c, conn: c.client, side: stream.ClientSide, deadline: c.real(step.Deadline)}
	return sh.run(func(w *rawConn) *tls.Conn {
		w.early = c.s.TakeHead()
		return tls.Server(w, step.TLS)
	})
}

// handshakeUpstream does the handshake with the server, and writes the first data once. Unsent data of
// Connect prevents it: a handshake must follow all of that data.
func (c *session) handshakeUpstream(step stream.Step) stream.Event {
	sh := &handshake{c: c, conn: c.upstream, side: stream.UpstreamSide, deadline: c.real(step.Deadline)}
	if len(c.rest) > 0 || c.restErr != nil {
		return sh.failed(errors.Join(stream.ErrUnsent, c.restErr))
	}
	config := step.TLS
	if step.Prepare != nil {
		var err error
		if config, err = step.Prepare(); err != nil {
			return sh.failed(err)
		}
	}
	ev := sh.run(func(w *rawConn) *tls.Conn { return tls.Client(w, config) })
	if ev.Kind == stream.HandshakeDone {
		c.offer(step.Out)
	}
	return ev
}

// handshake runs one TLS handshake in the session's goroutine. It holds the session's mu, so that
// the callbacks of the tls.Config may use the session, except while it waits for the peer. wake
// alone does not end it: it reports an Abort to the session at once, and ends only if the session
// wants another step, or if the driver is closed.
type handshake struct {
	c        *session
	conn     *conn
	side     stream.Side
	deadline time.Time
	late     bool // the deadline has passed
}

// run does the handshake of the connection that over makes.
func (sh *handshake) run(over func(*rawConn) *tls.Conn) stream.Event {
	c := sh.c
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &rawConn{conn: sh.conn, handshake: sh}
	t := over(w)
	err := t.HandshakeContext(stream.WithSession(context.Background(), c.s))
	switch {
	case err == nil:
		w.settle()
		sh.conn.tls = &tlsConn{Conn: t, raw: w}
		state := t.ConnectionState()
		return stream.Event{Kind: stream.HandshakeDone, Side: sh.side, TLS: &state}
	case sh.canceled():
		return noEvent
	case sh.late:
		return stream.Event{Kind: stream.TimedOut}
	}
	return sh.failed(err)
}

func (sh *handshake) failed(err error) stream.Event {
	return stream.Event{Kind: stream.Failed, Side: sh.side, Op: stream.OpHandshake, Err: err}
}

// canceled reports whether the handshake is not wanted any more.
func (sh *handshake) canceled() bool {
	return sh.c.nextStep.Do != stream.Keep || sh.c.halt.Load()&closing != 0
}

// read waits for data to read.
func (sh *handshake) read(b []byte) (n int, err error) {
	waited := sh.wait(func() error {
		return sh.conn.raw.Read(func(fd uintptr) bool {
			n, err = readFD(fd, b)
			return !errors.Is(err, syscall.EAGAIN)
		})
	})
	if waited != nil {
		return 0, waited
	}
	return n, endOrError(n, err)
}

// write waits until all of b is written.
func (sh *handshake) write(b []byte) (done int, err error) {
	waited := sh.wait(func() error {
		return sh.conn.raw.Write(func(fd uintptr) bool {
			for done < len(b) {
				n := 0
				if n, err = writeFD(fd, b[done:]); err != nil {
					return !errors.Is(err, syscall.EAGAIN)
				}
				done += n
			}
			return true
		})
	})
	if waited != nil {
		return done, waited
	}
	return done, err
}

// wait calls try without mu, again after each Abort that the session ignores. It returns an error
// if the handshake is over.
func (sh *handshake) wait(try func() error) error {
	for {
		if err := sh.prepare(); err != nil {
			return err
		}
		err := sh.unlocked(try)
		if err == nil {
			return nil
		}
		if !sh.c.woken() {
			sh.late = errors.Is(err, os.ErrDeadlineExceeded)
			return err
		}
	}
}

// prepare sets the deadline, and reports an Abort to the session.
func (sh *handshake) prepare() error {
	c := sh.c
	sh.conn.SetDeadline(sh.deadline)
	if c.woken() && !sh.canceled() {
		c.halt.And(^aborting)
		c.nextStep = c.advanceHeld(stream.Event{Kind: stream.Aborted})
	}
	if sh.canceled() {
		return errOver
	}
	return nil
}

var errOver = errors.New("the session ends")

func (sh *handshake) unlocked(try func() error) error {
	sh.c.mu.Unlock()
	defer sh.c.mu.Lock()
	return try()
}
