package datagram

import (
	"time"

	"golang.org/x/sys/unix"

	"weir/stream"
	"weir/stream/relay"
)

// retryAfter is how long a full socket is left alone. Watching it would cost an event for every datagram sent, and one that all sessions
// share can not be watched for one of them.
const retryAfter = time.Millisecond

// A pause is a while in which a direction rests.
type pause struct {
	c     *conn
	timer relay.Timer[*pause]
}

func (p *pause) begin(d time.Duration) {
	p.timer.Owner = p
	p.c.l.pauses.Set(&p.timer, p.c.l.now.Add(d))
}

// A pace is the limit on one direction. A nil pace is none.
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

// allows reports whether a datagram may be read now, when done bytes have been; if not, a pause begins.
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

// read begins the pause that n bytes cost.
func (p *pace) read(n int) {
	if p == nil {
		return
	}
	if d := p.meter.After(n); d > 0 {
		p.begin(d)
	}
}

func (p *pace) resting() bool { return p != nil && p.timer.Filed() }

// pausing reports whether a direction waits for its rate.
func (c *conn) pausing() bool { return c.upload.resting() || c.download.resting() }

// retryLater has the conn go on after a moment.
func (c *conn) retryLater() {
	if c.retry == nil {
		c.retry = &pause{c: c}
	}
	if !c.retry.timer.Filed() {
		c.retry.begin(retryAfter)
	}
}

// resume goes on after a pause. The idle time-out starts anew, since nothing could happen while it lasted.
func (c *conn) resume() {
	if !c.relaying() {
		return
	}
	c.touch()
	if e := c.toServer.flush(c.sendServerNow); e != 0 {
		c.fail(stream.UpstreamSide, stream.OpSendMsg, e)
		c.end(relay.UpstreamError)
		return
	}
	if c.p.gone {
		c.toClient = queue{}
	}
	if e := c.toClient.flush(c.sendClientNow); e != 0 {
		c.fail(stream.ClientSide, stream.OpSendMsg, e)
		c.end(relay.ClientError)
		return
	}
	if !c.toServer.empty() || !c.toClient.empty() {
		c.retryLater()
	}
	c.carry()
}

func (c *conn) sendServerNow(data []byte) unix.Errno {
	e := send(c.fd, data)
	if e == 0 {
		c.s.Traffic.ToUpstream.Add(int64(len(data)))
	}
	return e
}

func (c *conn) sendClientNow(data []byte) unix.Errno {
	out := c.l.out
	out.address(out.load(data), c)
	_, e := out.send(c.p.fd, 0, 1)
	if e == 0 {
		c.s.Traffic.ToClient.Add(int64(len(data)))
	}
	return e
}

// stopPauses takes the conn's timers out of the loop.
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
