package epoll

import "weir/stream"

// lookup is the DNS lookup that a conn waits for in the step Resolve. The zero lookup is inactive.
type lookup struct {
	asked stream.Lookup
	stop  func()
}

// end releases the lookup. After it, nothing more is posted for it.
func (w *lookup) end() {
	if w.stop != nil {
		w.stop()
	}
	*w = lookup{}
}

// resolve waits for a lookup. The answer arrives through the loop's mailbox with the index and
// serial of the conn, which may have ended by then.
func (c *conn) resolve(asked stream.Lookup) {
	l, index, serial := c.l, c.index, c.serial
	c.setup.end()
	c.setup.asked = asked
	c.setup.stop = asked.Begin(func() {
		l.post(func() { l.resolved(index, serial, asked) })
	})
}

// resolved handles an answer from the mailbox. A late one finds another conn, or one that waits for
// something else.
func (l *loop) resolved(index, serial uint32, asked stream.Lookup) {
	c := l.conns[index]
	if c == nil || c.serial != serial || c.doing() != stream.Resolve || c.setup.asked != asked {
		return
	}
	c.setup.end()
	l.current = c
	c.do(c.s.Advance(stream.Event{Kind: stream.Resolved}))
}
