package goroutine

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"weir/internal/relay"
	"weir/stream"
)

// session runs one stream.Session: its goroutine does the steps that the stream.Session wants, one
// after the other.
type session struct {
	d          *Driver
	next, prev *session // guarded by d.mu

	// mu guards s. It is locked by this goroutine in Advance, by the relay's second goroutine to
	// report an event, and by an abort to call match. It is never locked for a packet.
	mu       sync.Mutex
	s        *stream.Session    // nil after it has finished
	client   *conn              // never changes
	upstream *conn              // written under mu by this goroutine only
	cancel   context.CancelFunc // of the dial in progress; written as upstream
	relay    *relayState        // the current relay; written as upstream

	halt     atomic.Uint32 // why this goroutine was woken
	lent     *buffer       // the buffer whose bytes the session sees in Bytes
	rest     []byte        // the unsent part of Out
	restErr  error         // the error of the first write of Out
	nextStep stream.Step   // a step that the session wanted during another step
	begun    bool          // the content has begun
	ended    bool          // the session knows that the client's input has ended
	waited   bool          // for the client to send data
	away     bool          // the session has waited for something other than the client
	reads    bool          // and the client is read meanwhile
	room     int           // the maximum number of bytes read so
	ahead    []byte        // data read so, to be written after Out
}

// The reasons to wake a session.
const (
	aborting uint32 = 1 << iota
	closing
)

// noEvent means that the step was interrupted.
var noEvent stream.Event

func newSession(d *Driver, client socket) *session {
	return &session{d: d, client: newConn(client)}
}

// run is the goroutine of the session.
func (c *session) run() {
	defer c.end()
	defer c.d.reportPanic()
	step := c.answer(stream.Event{Kind: stream.Accepted})
	for step.Do != stream.Finish {
		c.begin(step)
		next := stream.Step{}
		for next.Do == stream.Keep {
			ev := c.do(step)
			if ev.Kind == noEvent.Kind && c.halt.Load()&closing != 0 {
				return
			}
			next = c.answer(ev)
		}
		step = next
	}
	if step.Reset {
		c.client.reset()
	}
}

// end closes everything at the end of the session, whatever its cause.
func (c *session) end() {
	c.client.Close()
	if c.upstream != nil {
		c.upstream.Close()
	}
	c.endRelay()
	c.abandon()
	c.d.remove(c)
}

// abandon releases the resources of a session that ended with a panic.
func (c *session) abandon() {
	if c.halt.Load()&closing != 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.s != nil {
		c.s.Advance(stream.Event{Kind: stream.Aborted})
		c.s = nil
	}
}

// answer reports the result of a step to the session, and returns the next step.
func (c *session) answer(ev stream.Event) stream.Step {
	if c.nextStep.Do != stream.Keep {
		step := c.nextStep
		c.nextStep = stream.Step{}
		return step
	}
	if ev.Kind == noEvent.Kind {
		c.halt.And(^aborting)
		ev.Kind = stream.Aborted
	}
	return c.advance(ev)
}

func (c *session) advance(ev stream.Event) stream.Step {
	c.mu.Lock()
	defer c.mu.Unlock()
	step := c.advanceHeld(ev)
	c.lent.put()
	c.lent = nil
	return step
}

// advanceHeld is advance for a caller that holds mu.
func (c *session) advanceHeld(ev stream.Event) stream.Step {
	step := c.s.Advance(ev)
	if step.Do == stream.Finish {
		c.s = nil
	}
	return step
}

// abortIf calls match, and makes the session end if it matches. A match that panics does not match. It
// reports false if the session matches and the budget does not allow its end yet.
func (c *session) abortIf(match func(*stream.Session) bool, b *stream.Budget) (done bool) {
	done = true
	defer c.d.reportPanic()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.s == nil || !match(c.s) {
		return done
	}
	if !b.Take(time.Now()) {
		return false
	}
	c.wake(aborting)
	return done
}

// closeNow closes the session without an event.
func (c *session) closeNow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wake(closing)
}

// wake interrupts the current step. It sets the reason first, then the deadlines; a step sets its
// deadlines first and then checks the reason, so that it misses neither. The caller holds mu.
func (c *session) wake(why uint32) {
	c.halt.Or(why)
	c.client.wake()
	c.upstream.wake()
	if c.cancel != nil {
		c.cancel()
	}
	if c.relay != nil {
		c.relay.unpause()
	}
}

// woken reports whether a wake is not answered yet.
func (c *session) woken() bool { return c.halt.Load() != 0 }

// begin prepares a new step, for which do may be called several times.
func (c *session) begin(step stream.Step) {
	waits := c.endRelay()
	switch step.Do {
	case stream.Resolve, stream.HandshakeUpstream:
		c.beginContent()
	case stream.Connect, stream.Pause:
		c.beginContent()
		c.setUpstream(nil)
	case stream.Send:
		c.beginContent()
		if !waits {
			c.rest = step.Out
		}
	case stream.Relay:
		c.setRelay(newRelayState(c, step.Relay))
	}
}

// beginContent applies tcp_nodelay to the client.
func (c *session) beginContent() {
	if !c.begun && !c.s.Server.Settings.NoDelay {
		setDelay(c.client.socket)
	}
	c.begun = true
}

// do runs the step until there is an event, or until the session is woken.
func (c *session) do(step stream.Step) stream.Event {
	switch step.Do {
	case stream.Read:
		return c.read(step)
	case stream.Resolve:
		return c.resolve(step)
	case stream.Connect:
		return c.connect(step)
	case stream.Pause:
		return c.pause(step)
	case stream.Relay:
		return c.runRelay()
	case stream.Send:
		return c.send(step)
	case stream.HandshakeClient:
		return c.handshakeClient(step)
	case stream.HandshakeUpstream:
		return c.handshakeUpstream(step)
	}
	panic("goroutine: unknown step")
}

func (c *session) setUpstream(to *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.upstream != nil {
		c.upstream.Close()
	}
	c.upstream = to
}

func (c *session) setRelay(r *relayState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.relay = r
}

// real converts a time of the session's clock into system time.
func (c *session) real(deadline time.Time) time.Time {
	if deadline.IsZero() {
		return deadline
	}
	return time.Now().Add(deadline.Sub(c.d.env.Now()))
}

// read reads from the client once.
func (c *session) read(step stream.Step) stream.Event {
	c.client.SetDeadline(c.real(step.Deadline))
	if c.woken() {
		return noEvent
	}
	var n int
	var failure error
	err := c.client.raw.Read(func(fd uintptr) bool {
		b := getBuffer(step.Max)
		n, failure = c.client.read(fd, b.bytes[:step.Max])
		if errors.Is(failure, syscall.EAGAIN) {
			c.waited = true
			b.put()
			return false
		}
		c.lent = b
		return true
	})
	switch {
	case err != nil:
		return c.interrupted(err)
	case failure != nil:
		return stream.Event{Kind: stream.Failed, Side: stream.ClientSide, Op: stream.OpRecv, Err: failure}
	case n == 0:
		return stream.Event{Kind: stream.EOF}
	}
	return stream.Event{Kind: stream.Bytes, Data: c.lent.bytes[:n]}
}

// interrupted distinguishes a step's own deadline from a call to wake.
func (c *session) interrupted(err error) stream.Event {
	if c.woken() || !errors.Is(err, os.ErrDeadlineExceeded) {
		return noEvent
	}
	return stream.Event{Kind: stream.TimedOut}
}

// send writes the rest of Out to the client.
func (c *session) send(step stream.Step) stream.Event {
	c.client.SetDeadline(c.real(step.Deadline))
	if c.woken() {
		return noEvent
	}
	s := c.s
	var failure error
	err := c.client.raw.Write(func(fd uintptr) bool {
		for len(c.rest) > 0 && failure == nil {
			var n int
			if n, failure = c.client.write(fd, c.rest); errors.Is(failure, syscall.EAGAIN) {
				failure = nil
				return false
			}
			c.rest = c.rest[n:]
			s.CountToClient(n)
		}
		return true
	})
	if err != nil {
		c.rest = bytes.Clone(c.rest)
		return c.interrupted(err)
	}
	if failure != nil {
		c.nextStep = c.advance(stream.Event{Kind: stream.Failed, Side: stream.ClientSide, Op: stream.OpSend, Err: failure})
		s.Traffic.End = relay.ClientError
	}
	c.rest = nil
	return stream.Event{Kind: stream.Relayed}
}

// runRelay starts the relay, or continues it after an Abort that the session ignored.
func (c *session) runRelay() stream.Event {
	ev := c.relay.run()
	c.nextStep = c.relay.answer
	return ev
}

// endRelay releases the relay, if there is one, and reports whether data from the server waits for the
// client.
func (c *session) endRelay() (waits bool) {
	if c.relay == nil {
		return false
	}
	c.relay.close()
	waits = len(c.relay.halves[stream.UpstreamSide].pending) > 0
	c.setRelay(nil)
	return waits
}
