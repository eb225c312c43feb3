package epoll

import (
	"weir/internal/errorlog"
	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/internal/poll"
)

// StartAbort begins to abort the matching sessions.
func (l *loop) StartAbort(match func(*stream.Session) bool, b *stream.Budget) {
	l.aborts.Start(match, b, l.conns.Len())
}

// Select makes the loop work for the conn at an index, and returns its session, or nil if the index
// is free, or if a worker has the session: then the abort waits until the handshake returns.
func (l *loop) Select(index uint32, by *poll.Abort) *stream.Session {
	c := l.conns.At(index)
	l.current = c
	switch {
	case c == nil:
		return nil
	case c.away():
		c.setup.missed = append(c.setup.missed, by)
		return nil
	}
	return c.s
}

// applyMissedAborts applies the aborts that came while a worker had the handshake, whatever their
// rate. It reports whether the session wants another step than the handshake now.
func (c *conn) applyMissedAborts() bool {
	missed := c.setup.missed
	c.setup.missed = nil
	for _, a := range missed {
		if !a.Missed(c.l.now, c.s) {
			continue
		}
		if step := c.s.Advance(stream.Event{Kind: stream.Aborted}); step.Do != stream.Keep {
			c.do(step)
			return true
		}
	}
	return false
}

// AbortSelected reports an abort to the session of the current conn. The session may decide to
// continue.
func (l *loop) AbortSelected() {
	c := l.current
	end := c.s.Traffic.End
	if c.doing() == stream.Relay {
		c.s.Traffic.End = relay.Aborted
	}
	step := c.s.Advance(stream.Event{Kind: stream.Aborted})
	if step.Do == stream.Keep {
		c.s.Traffic.End = end
	}
	c.do(step)
}

// Working reports whether the loop works for a conn.
func (l *loop) Working() bool { return l.current != nil }

// EndCurrent ends the current conn after a panic, and reports false if it has ended already.
func (l *loop) EndCurrent(reason any) bool {
	c := l.current
	if l.conns.At(c.index) != c {
		return false
	}
	c.s.Panicked(reason)
	resetOnClose(c.client.fd)
	c.close()
	return true
}

// LeakCurrent removes the current conn without releasing its resources.
func (l *loop) LeakCurrent() { l.conns.Leak(l.current.index) }

// Pause makes the loop work for no conn.
func (l *loop) Pause() { l.current = nil }

// Log returns the log for panics without a session.
func (l *loop) Log() *errorlog.Log { return l.env.Log }
