package udp

import "weir/stream"

// lookup is the DNS lookup that a conn waits for in the step Resolve. The zero lookup is inactive.
type lookup struct {
	asked stream.Lookup
	stop  func()
	room  int // for datagrams that arrive meanwhile
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
func (c *conn) resolve(step stream.Step) {
	l, index, serial, asked := c.l, c.index, c.serial, step.Lookup
	c.lookup.end()
	c.lookup = lookup{asked: asked, room: step.Max}
	if !step.Deadline.IsZero() {
		l.wheel.Set(&c.timer, step.Deadline)
	}
	c.lookup.stop = asked.Begin(func() {
		l.post(func() { l.resolved(index, serial, asked) })
	})
}

// resolved handles an answer from the mailbox. A late one finds another conn, or one that waits for
// something else.
func (l *loop) resolved(index, serial int32, asked stream.Lookup) {
	c := l.conns[index]
	if c == nil || c.serial != serial || c.lookup.asked != asked {
		return
	}
	c.endLookup()
	l.current = c
	c.do(c.s.Advance(stream.Event{Kind: stream.Resolved}))
}

// endLookup ends the step.
func (c *conn) endLookup() {
	c.lookup.end()
	c.l.wheel.Remove(&c.timer)
}

// keepEarly keeps a datagram until the server is known, as far as there is room. It counts as
// received.
func (c *conn) keepEarly(data []byte) {
	room := c.lookup.room - c.early.size
	if room <= 0 || c.early.full() {
		return
	}
	data = data[:min(len(data), room)]
	c.packets.Requests++
	c.s.Traffic.FromClient.Add(int64(len(data)))
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
