package epoll

import (
	"sync/atomic"
	"time"
)

// A load counts what a loop holds. All loops of the driver read it; it has a cache line of its own, so that they do not slow the loop down.
type load struct {
	sessions    atomic.Int32
	connections atomic.Int32 // sockets, as worker_connections counts them
	_           [120]byte
}

// lead is by how many sessions a loop may be ahead of the one that has the fewest, least, before it gives new ones to that one. To give a
// session away costs a wake-up, and is not worth it while many end at once: brief sessions ended within a second.
func lead(least, brief int32) int32 { return 2 + least/16 + brief/64 }

// A churn counts the sessions that end within a second of their beginning.
type churn struct {
	second int64 // that is counted
	count  int32 // in this second
	before int32 // in the second before
}

// second is the number of the present second, by the loop's clock.
func (l *loop) second() int64 { return l.stamp / int64(time.Second) }

// at makes second the one that is counted.
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

// brief is how many ended in one second lately.
func (c *churn) brief(second int64) int32 {
	c.at(second)
	return max(c.count, c.before)
}

// full reports whether the loop holds as many connections as it may.
func (l *loop) full() bool { return l.limit > 0 && int(l.load.connections.Load()) >= l.limit }

// receiver returns the loop that takes the next session: l, unless it is full or ahead of others. nil: all loops are full. Of a port that
// the loops do not share, only a full loop gives sessions away.
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

// leastLoaded returns the loop with the fewest sessions of those that are not full; nil: all are. Of equals it is the next one after l.
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

// transfer has another loop serve the connection, which is counted there already.
func (l *loop) transfer(to *loop, a accepted) {
	if !to.post(func() { to.receive(&a) }) {
		to.refuse(&a)
	}
}

// receive is a connection from the mailbox.
func (l *loop) receive(a *accepted) {
	if l.stopping {
		l.refuse(a)
		return
	}
	l.serve(a)
}

// refuse closes a connection that the loop can not serve, since it ends.
func (l *loop) refuse(a *accepted) {
	closeFD(a.fd)
	l.load.sessions.Add(-1)
	l.load.connections.Add(-1)
	if a.lease != nil {
		a.lease.Release()
	}
}

// stepBack makes the loop the last of those that are woken for the port's connections.
func (l *loop) stepBack(p *listener) {
	if !p.shared || p.resting {
		return
	}
	epollDel(l.ep, int32(p.fd))
	l.listenAgain(p)
}
