package udp

import "weir/stream"

// A lookup is what a conn waits for in a step Resolve. The zero lookup is none.
type lookup struct {
	asked stream.Lookup
	stop  func()
	room  int // for datagrams that come meanwhile
}

// end lets go of the lookup; after it, nothing more is posted on its behalf.
func (w *lookup) end() {
	if w.stop != nil {
		w.stop()
	}
	*w = lookup{}
}

// resolve asks. The answer comes through the loop's mailbox with the number of the conn, which may have ended meanwhile.
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

// resolved is an answer from the mailbox. One that comes late finds another conn, or one that waits for something else.
func (l *loop) resolved(index, serial int32, asked stream.Lookup) {
	c := l.conns[index]
	if c == nil || c.serial != serial || c.lookup.asked != asked {
		return
	}
	c.endLookup()
	l.current = c
	c.do(c.s.Advance(stream.Event{Kind: stream.Resolved}))
}

// endLookup leaves the step.
func (c *conn) endLookup() {
	c.lookup.end()
	c.l.wheel.Remove(&c.timer)
}

// keepEarly keeps a datagram for the server that is being looked for, as far as there is room. It counts as received.
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

// sendEarly sends what has been kept, behind the datagram that began the session.
func (c *conn) sendEarly() {
	for _, data := range c.early.list {
		if c.refused == 0 {
			c.refused = c.write(data)
		}
	}
	c.early = queue{}
}
