package goroutine

import (
	"syscall"
	"time"

	"weir/stream"
)

// watchClient watches the client until the returned function is called. It reads up to room bytes
// ahead if the session has waited for the client before. If the client is gone and the session does
// not want to wait any more, watchClient stores the wanted step in given and calls cancel.
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

// beginAhead decides, when the session first waits for something else, whether the client is read
// meanwhile, and informs the session.
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

// watch runs in a goroutine of its own.
func (c *session) watch(done chan<- struct{}, cancel func()) {
	defer c.stopWatch(done, cancel)
	defer c.d.reportPanic()
	for c.reportGone(c.lookLater()) {
	}
}

func (c *session) stopWatch(done chan<- struct{}, cancel func()) {
	if c.nextStep.Do != stream.Keep {
		cancel()
	}
	close(done)
}

// reportGone reports to the session that its client is gone, or that it has sent data. The result
// is whether to continue to watch: not if the session wants another step, the connection is broken,
// or ev is none because the watch has ended.
func (c *session) reportGone(ev stream.Event, watching bool) bool {
	if ev.Kind == noEvent.Kind {
		return watching
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nextStep = c.advanceHeld(ev)
	return c.nextStep.Do == stream.Keep && ev.Kind != stream.Failed
}

// lookNow returns the event that the client is gone, or none.
func (c *session) lookNow() (ev stream.Event, watching bool) {
	err := c.client.raw.Control(func(fd uintptr) { ev = c.look(int(fd)) })
	return ev, err == nil
}

// lookLater waits for the event that the client is gone. It returns none if the wait was ended.
func (c *session) lookLater() (ev stream.Event, watching bool) {
	err := c.client.raw.Read(func(fd uintptr) bool {
		ev = c.look(int(fd))
		return ev.Kind != noEvent.Kind
	})
	return ev, err == nil
}

// look returns an event if the client is gone or has sent data, otherwise none. The client is gone
// if its connection is broken, or if its input has ended and no byte of it is unread. The end is
// reported once. In TLS the end cannot be distinguished from the data before it.
func (c *session) look(fd int) stream.Event {
	if errno, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ERROR); err == nil && errno != 0 {
		return stream.Event{Kind: stream.Failed, Side: stream.ClientSide, Op: stream.OpRecv, Err: syscall.Errno(errno)}
	}
	if c.ended || c.client.tls != nil {
		return noEvent
	}
	if n := c.readAhead(fd); n > 0 {
		return stream.Event{Kind: stream.Bytes, Data: c.ahead[len(c.ahead)-n:]}
	}
	var b [1]byte
	n, _, err := syscall.Recvfrom(fd, b[:], syscall.MSG_PEEK)
	if n != 0 || err != nil {
		return noEvent
	}
	c.ended = true
	return stream.Event{Kind: stream.EOF}
}

// readAhead reads the client's data as far as there is room, and returns the number of bytes. look
// detects an end or an error.
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
