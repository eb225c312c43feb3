package udp

import (
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
)

// A full socket is retried after retryAfter, then after twice as long each time that it has
// accepted nothing, up to retrySeldom. Watching it would cost an event for every datagram sent, and
// a shared socket cannot be watched for one session.
const (
	retryAfter  = time.Millisecond
	retrySeldom = 64 * time.Millisecond
)

// retry is the pause of a conn whose datagrams wait.
type retry struct {
	pause
	after time.Duration
}

// pause is a time during which a direction waits.
type pause struct {
	c     *conn
	timer relay.Timer[*pause]
}

func (p *pause) begin(d time.Duration) {
	p.timer.Owner = p
	p.c.l.pauses.Set(&p.timer, p.c.l.now.Add(d))
}

// pace is the rate limit of one direction. A nil pace means unlimited.
type pace struct {
	pause
	meter relay.Meter
}

func (c *conn) newPace(rate int64) *pace {
	if rate <= 0 {
		return nil
	}
	return &pace{pause: pause{c: c}, meter: relay.NewMeter(rate, c.l.now)}
}

// allows reports whether a datagram may be read after done bytes; if not, it begins a pause.
func (p *pace) allows(done int64) bool {
	if p == nil {
		return true
	}
	if p.timer.Filed() {
		return false
	}
	allowed := p.meter.Allowed(p.c.l.now, done)
	if allowed > 0 {
		return true
	}
	p.begin(p.meter.Debt(allowed))
	return false
}

// read begins the pause for n bytes.
func (p *pace) read(n int) {
	if p == nil {
		return
	}
	if d := p.meter.After(n); d > 0 {
		p.begin(d)
	}
}

func (p *pace) paused() bool { return p != nil && p.timer.Filed() }

// paused reports whether a direction waits for its rate.
func (c *conn) paused() bool { return c.upload.paused() || c.download.paused() }

// retryLater makes the conn continue after a moment.
func (c *conn) retryLater() {
	if c.retry == nil {
		c.retry = &retry{pause: pause{c: c}, after: retryAfter}
	}
	if !c.retry.timer.Filed() {
		c.retry.begin(c.retry.after)
	}
}

// ended handles the end of a pause. After a pause for a rate the idle timeout starts again,
// because no data could move during the pause.
func (p *pause) ended() {
	c := p.c
	if !c.relaying() {
		return
	}
	if c.retry == nil || p != &c.retry.pause {
		c.touch()
	}
	c.resume()
}

// resume continues after a pause.
func (c *conn) resume() {
	waiting := c.waiting()
	if e := c.toServer.flush(c.sendServerNow); e != 0 {
		c.fail(stream.UpstreamSide, stream.OpSendMsg, e)
		c.end(relay.UpstreamError)
		return
	}
	if c.p.removed {
		c.toClient = queue{}
	}
	if e := c.toClient.flush(c.sendClientNow); e != 0 {
		c.fail(stream.ClientSide, stream.OpSendMsg, e)
		c.end(relay.ClientError)
		return
	}
	c.retryFor(waiting)
	c.forwardFromServer()
}

// waiting returns how many datagrams wait for a socket.
func (c *conn) waiting() int { return len(c.toServer.list) + len(c.toClient.list) }

// retryFor checks the datagrams that have waited: if some were sent, the idle timeout starts again.
func (c *conn) retryFor(before int) {
	left := c.waiting()
	if before == 0 {
		return
	}
	if left < before {
		c.touch()
		c.retry.after = retryAfter
	} else {
		c.retry.after = min(2*c.retry.after, retrySeldom)
	}
	if left > 0 {
		c.retryLater()
	}
}

func (c *conn) sendServerNow(data []byte) unix.Errno {
	e := send(c.fd, data)
	if e == 0 {
		c.s.CountToUpstream(c.spec, len(data))
	}
	return e
}

func (c *conn) sendClientNow(data []byte) unix.Errno {
	out := c.l.out
	out.address(out.load(data), c)
	_, e := out.send(c.p.fd, 0, 1)
	if e == 0 {
		c.s.CountToClient(len(data))
	}
	return e
}

// stopPauses removes the conn's timers from the loop.
func (c *conn) stopPauses() {
	for _, p := range [...]*pace{c.upload, c.download} {
		if p != nil {
			c.l.pauses.Remove(&p.timer)
		}
	}
	if c.retry != nil {
		c.l.pauses.Remove(&c.retry.timer)
	}
}
