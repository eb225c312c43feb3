package pump

import (
	"syscall"
	"time"

	"weir/stream"
)

// watchClient looks at the client, at once and whenever something comes of it, until the returned function is called. When the client has
// gone and the session does not want to wait any more, what it wants is in given, and cancel is called.
func (c *carrier) watchClient(cancel func()) (stop func()) {
	c.client.SetReadDeadline(time.Time{})
	done := make(chan struct{})
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

// watch is a goroutine beside the carrier's.
func (c *carrier) watch(done chan<- struct{}, cancel func()) {
	defer c.stopWatch(done, cancel)
	defer c.d.reportPanic()
	for c.reportGone(c.lookLater()) {
	}
}

func (c *carrier) stopWatch(done chan<- struct{}, cancel func()) {
	if c.given.Do != stream.Keep {
		cancel()
	}
	close(done)
}

// reportGone tells the session that its client has gone, and reports whether to watch on: not when the session wants something else, nor
// when the connection has broken, nor when ev is none because nobody watches any more.
func (c *carrier) reportGone(ev stream.Event, watching bool) bool {
	if ev.Kind == none.Kind {
		return watching
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.given = c.advanceHeld(ev)
	return c.given.Do == stream.Keep && ev.Kind == stream.EOF
}

// lookNow returns the event that the client has gone, or none.
func (c *carrier) lookNow() (ev stream.Event, watching bool) {
	err := c.client.raw.Control(func(fd uintptr) { ev = c.look(int(fd)) })
	return ev, err == nil
}

// lookLater waits for the event that the client has gone. None: the wait has been ended.
func (c *carrier) lookLater() (ev stream.Event, watching bool) {
	err := c.client.raw.Read(func(fd uintptr) bool {
		ev = c.look(int(fd))
		return ev.Kind != none.Kind
	})
	return ev, err == nil
}

// look returns the event that the client has gone, or none: its connection is broken, or its input has ended, which is reported once,
// and nothing of it is unread. In TLS the end of the input cannot be told from what comes before it.
func (c *carrier) look(fd int) stream.Event {
	if errno, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ERROR); err == nil && errno != 0 {
		return stream.Event{Kind: stream.Failed, Side: stream.ClientSide, Op: stream.OpRecv, Err: syscall.Errno(errno)}
	}
	if c.ended || c.client.tls != nil {
		return none
	}
	var b [1]byte
	n, _, err := syscall.Recvfrom(fd, b[:], syscall.MSG_PEEK)
	if n != 0 || err != nil {
		return none
	}
	c.ended = true
	return stream.Event{Kind: stream.EOF}
}
