package epoll

import "weir/stream"

// resolve waits for a lookup. The answer arrives through the loop's mailbox with the index and
// serial of the conn, which may have ended by then.
func (c *conn) resolve(lookup stream.Lookup) {
	l, index, serial := c.l, c.index, c.serial
	c.setup.lookup.Begin(lookup, func() {
		l.mail.Post(func() { l.resolved(index, serial, lookup) })
	})
}

// resolved handles an answer from the mailbox. A late one finds another conn, or one that waits for
// something else.
func (l *loop) resolved(index, serial uint32, lookup stream.Lookup) {
	c := l.conns.At(index)
	if c == nil || c.serial != serial || c.doing() != stream.Resolve || !c.setup.lookup.WaitsFor(lookup) {
		return
	}
	c.setup.lookup.End()
	l.current = c
	c.do(c.s.Advance(stream.Event{Kind: stream.Resolved}))
}
