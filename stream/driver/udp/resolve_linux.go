package udp

import "weir/stream"

// resolve waits for a lookup. The answer arrives through the loop's mailbox with the index and
// serial of the conn, which may have ended by then.
func (c *conn) resolve(step stream.Step) {
	l, index, serial, lookup := c.l, c.index, c.serial, step.Lookup
	c.earlyRoom = step.Max
	if !step.Deadline.IsZero() {
		l.wheel.Set(&c.timer, step.Deadline)
	}
	c.lookup.Begin(lookup, func() {
		l.mail.Post(func() { l.resolved(index, serial, lookup) })
	})
}

// resolved handles an answer from the mailbox. A late one finds another conn, or one that waits for
// something else.
func (l *loop) resolved(index, serial uint32, lookup stream.Lookup) {
	c := l.conns.At(index)
	if c == nil || c.serial != serial || !c.lookup.WaitsFor(lookup) {
		return
	}
	c.endLookup()
	l.current = c
	c.do(c.s.Advance(stream.Event{Kind: stream.Resolved}))
}

// endLookup ends the step.
func (c *conn) endLookup() {
	c.lookup.End()
	c.earlyRoom = 0
	c.l.wheel.Remove(&c.timer)
}

// keepEarly keeps a datagram until the server is known, as far as there is room. It counts as
// received.
func (c *conn) keepEarly(data []byte) {
	room := c.earlyRoom - c.early.size
	if room <= 0 || c.early.full() {
		return
	}
	data = data[:min(len(data), room)]
	c.packets.Requests++
	c.s.CountFromClient(len(data))
	c.early.push(data)
}

// sendEarly sends the kept datagrams, after the datagram that began the session.
func (c *conn) sendEarly() {
	for _, data := range c.early.list {
		if c.refused == 0 {
			c.refused = c.write(data)
		}
	}
	c.early = queue{}
}
