package epoll

import (
	"sync/atomic"
	"time"

	"weir/stream/driver/internal/poll"
)

// load counts a loop's sessions and connections. All loops of the driver read it. It has its own
// cache line, so that the readers do not slow the loop down.
type load struct {
	sessions    atomic.Int32
	connections atomic.Int32 // sockets, as worker_connections counts them
	limit       atomic.Int32 // of connections; 0 disables it
	_           [116]byte
}

// lead is how many sessions a loop may have more than the loop with the fewest, least, before it
// transfers new ones to that loop. A transfer costs a wake-up, which is not worth it while many
// sessions end soon: brief sessions ended within a second.
func lead(least, brief int32) int32 { return 2 + least/16 + brief/64 }

// churn counts the sessions that end within a second of their beginning.
type churn struct {
	second int64 // the second that is counted
	count  int32 // in this second
	before int32 // in the second before
}

// second returns the number of the current second, by the loop's clock.
func (l *loop) second() int64 { return l.stamp / int64(time.Second) }

// at starts the count of the given second.
func (c *churn) at(second int64) {
	switch second - c.second {
	case 0:
		return
	case 1:
		c.before = c.count
	default:
		c.before = 0
	}
	c.second, c.count = second, 0
}

// ended counts a session that began in the second born.
func (c *churn) ended(second int64, born uint16) {
	c.at(second)
	if uint16(second)-born <= 1 {
		c.count++
	}
}

// brief returns how many sessions ended in one recent second.
func (c *churn) brief(second int64) int32 {
	c.at(second)
	return max(c.count, c.before)
}

// full reports whether the loop has reached its limit of connections.
func (l *loop) full() bool {
	limit := l.load.limit.Load()
	return limit > 0 && l.load.connections.Load() >= limit
}

// receiver returns the loop for the next session: l, unless it is full or ahead of others; nil if
// all loops are full. For a listener that the loops do not share, only a full loop transfers
// sessions.
func (l *loop) receiver(p *listener) *loop {
	full, mine := l.full(), l.load.sessions.Load()
	if !full && (!p.shared || mine < l.enough) {
		return l
	}
	least := l.leastLoaded()
	if least == nil || full {
		return least
	}
	fewest := least.load.sessions.Load()
	l.enough = fewest + lead(fewest, l.churn.brief(l.second()))
	if mine < l.enough {
		return l
	}
	return least
}

// leastLoaded returns the loop with the fewest sessions among those that are not full, or nil if
// all are full. Among equals it is the next one after l.
func (l *loop) leastLoaded() *loop {
	var least *loop
	for i := range l.all {
		o := l.all[(l.number+1+i)%len(l.all)]
		if !o.full() && (least == nil || o.load.sessions.Load() < least.load.sessions.Load()) {
			least = o
		}
	}
	return least
}

// transfer makes another loop serve the connection, which is counted there already.
func (l *loop) transfer(to *loop, a accepted) {
	if !to.mail.Post(func() { to.receive(&a) }) {
		to.refuse(&a)
	}
}

// receive handles a connection from the mailbox.
func (l *loop) receive(a *accepted) {
	if l.Stopping() {
		l.refuse(a)
		return
	}
	l.serve(a)
}

// refuse closes a connection that the loop cannot serve because the loop is ending.
func (l *loop) refuse(a *accepted) {
	closeFD(a.fd)
	l.load.sessions.Add(-1)
	l.load.connections.Add(-1)
	if a.lease != nil {
		a.lease.Release()
	}
}

// stepBack makes the loop the last in the kernel's wake-up order for the listener's connections.
func (l *loop) stepBack(p *listener) {
	if !p.shared || p.suspended {
		return
	}
	poll.EpollRemove(l.set.FD, int32(p.fd))
	l.listenAgain(p)
}
