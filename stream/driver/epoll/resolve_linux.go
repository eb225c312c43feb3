package epoll

import "weir/stream"

// A lookup is what a conn waits for in a step Resolve. The zero lookup is none.
type lookup struct {
	asked stream.Lookup
	stop  func()
}

// end lets go of the lookup; after it, nothing more is posted on its behalf.
func (w *lookup) end() {
	if w.stop != nil {
		w.stop()
	}
	*w = lookup{}
}

// resolve asks. The answer comes through the loop's mailbox with the number of the conn, which may have ended meanwhile.
func (c *conn) resolve(asked stream.Lookup) {
	l, index, serial := c.l, c.index, c.serial
	c.setup.end()
	c.setup.asked = asked
	c.setup.stop = asked.Begin(func() {
		l.post(func() { l.resolved(index, serial, asked) })
	})
}

// resolved is an answer from the mailbox. One that comes late finds another conn, or one that waits for something else.
func (l *loop) resolved(index, serial uint32, asked stream.Lookup) {
	c := l.conns[index]
	if c == nil || c.serial != serial || c.doing() != stream.Resolve || c.setup.asked != asked {
		return
	}
	c.setup.end()
	l.current = c
	c.do(c.s.Advance(stream.Event{Kind: stream.Resolved}))
}
