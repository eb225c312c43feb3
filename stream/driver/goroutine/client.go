package goroutine

import (
	"syscall"
	"time"

	"weir/stream"
)

// watchClient looks at the client, at once and whenever something comes of it, until the returned function is called; up to room bytes are
// read ahead where the client has been waited for before. When the client has gone and the session does not want to wait any more, what it
// wants is in given, and cancel is called.
func (c *session) watchClient(room int, cancel func()) (stop func()) {
	c.client.SetReadDeadline(time.Time{})
	done := make(chan struct{})
	c.room = room
	c.beginAhead()
	if c.reportGone(c.lookNow()) {
		go c.watch(done, cancel)
	} else {
		c.stopWatch(done, cancel)
	}
	return func() {
		c.client.SetReadDeadline(time.Unix(1, 0))
		<-done
	}
}

// beginAhead decides, when the session first waits for something else, whether the client is read meanwhile, and tells the session.
func (c *session) beginAhead() {
	if c.away {
		return
	}
	c.away = true
	c.reads = c.client.tls == nil && (c.waited || c.s.Listen.Options.Deferred)
	if c.reads {
		c.reportGone(stream.Event{Kind: stream.Bytes}, true)
	}
}

// watch is a goroutine beside the carrier's.
func (c *session) watch(done chan<- struct{}, cancel func()) {
	defer c.stopWatch(done, cancel)
	defer c.d.reportPanic()
	for c.reportGone(c.lookLater()) {
	}
}

func (c *session) stopWatch(done chan<- struct{}, cancel func()) {
	if c.given.Do != stream.Keep {
		cancel()
	}
	close(done)
}

// reportGone tells the session that its client has gone, or what it has sent, and reports whether to watch on: not when the session wants
// something else, nor when the connection has broken, nor when ev is none because nobody watches any more.
func (c *session) reportGone(ev stream.Event, watching bool) bool {
	if ev.Kind == none.Kind {
		return watching
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.given = c.advanceHeld(ev)
	return c.given.Do == stream.Keep && ev.Kind != stream.Failed
}

// lookNow returns the event that the client has gone, or none.
func (c *session) lookNow() (ev stream.Event, watching bool) {
	err := c.client.raw.Control(func(fd uintptr) { ev = c.look(int(fd)) })
	return ev, err == nil
}

// lookLater waits for the event that the client has gone. None: the wait has been ended.
func (c *session) lookLater() (ev stream.Event, watching bool) {
	err := c.client.raw.Read(func(fd uintptr) bool {
		ev = c.look(int(fd))
		return ev.Kind != none.Kind
	})
	return ev, err == nil
}

// look returns the event that the client has gone, or has sent something, or none: its connection is broken, or its input has ended, which
// is reported once, and nothing of it is unread. In TLS the end of the input cannot be told from what comes before it.
func (c *session) look(fd int) stream.Event {
	if errno, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ERROR); err == nil && errno != 0 {
		return stream.Event{Kind: stream.Failed, Side: stream.ClientSide, Op: stream.OpRecv, Err: syscall.Errno(errno)}
	}
	if c.ended || c.client.tls != nil {
		return none
	}
	if n := c.readAhead(fd); n > 0 {
		return stream.Event{Kind: stream.Bytes, Data: c.ahead[len(c.ahead)-n:]}
	}
	var b [1]byte
	n, _, err := syscall.Recvfrom(fd, b[:], syscall.MSG_PEEK)
	if n != 0 || err != nil {
		return none
	}
	c.ended = true
	return stream.Event{Kind: stream.EOF}
}

// readAhead reads what the client has sent, as far as there is room, and returns how much. An end or an error shows when it is looked for.
func (c *session) readAhead(fd int) int {
	room := c.room - len(c.ahead)
	if !c.reads || room <= 0 {
		return 0
	}
	b := getBuffer(room)
	defer b.put()
	n, err := syscall.Read(fd, b.bytes[:room])
	if err != nil || n <= 0 {
		return 0
	}
	c.ahead = append(c.ahead, b.bytes[:n]...)
	return n
}
