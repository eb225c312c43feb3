package udp

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/internal/poll"
)

const (
	// tick is the resolution of proxy_timeout.
	tick = 10 * time.Millisecond
	// slots is the size of the timer wheel: a timeout of 10 minutes wraps around it some fifty
	// times.
	slots = 1024
	// mostBatches is how many batches of events a loop handles, at most, before timers expire after
	// a delay. The number of datagrams that wait in a shared socket is unknown; this covers more
	// than the kernel keeps there by default.
	mostBatches = 64
)

// loop is a goroutine with its epoll set, and owns the sessions that begin on its listeners. Only
// run and the functions it calls use it, except for the mailbox.
type loop struct {
	poll.Life
	set       poll.Set
	env       *stream.Env // with the loop's own clock
	began     time.Time
	now       time.Time // read once for each wake-up
	mail      poll.Mailbox
	listeners map[int32]*listener // by descriptor
	conns     poll.Table[conn]
	limit     int          // sessions and sockets; 0 disables the limit
	sessions  atomic.Int32 // read by other goroutines, like sockets
	sockets   atomic.Int32 // to servers
	wheel     *relay.Wheel[*conn]
	pauses    *relay.Wheel[*pause] // in milliseconds
	arrears   relay.Arrears
	current   *conn   // the conn that the loop works for; may be nil
	ready     []*conn // conns with more to read than one turn allows
	resuming  []*conn // those of the last turn
	aborts    poll.Aborts
	in        *batch // from clients
	out       *batch // from servers to clients
	key       []byte // room for a client's key
	ended     func() // called after the end
	limited   poll.LimitedLog
}

func newLoop(env *stream.Env) (*loop, error) {
	now := env.Now()
	l := &loop{
		began: now, now: now, listeners: map[int32]*listener{}, ended: func() {}, in: newBatch(), out: newBatch(), key: make([]byte, 0, maxKey),
		wheel: relay.NewWheel[*conn](now, tick, slots), pauses: relay.NewWheel[*pause](now, time.Millisecond, slots),
	}
	l.Life = poll.NewLife(&l.mail, &l.sessions)
	if err := l.set.Open(&l.mail); err != nil {
		return nil, err
	}
	clocked := *env
	clocked.Now = func() time.Time { return l.now }
	l.env = &clocked
	return l, nil
}

// listenerEvent is the Fd of the events of a listener, whose descriptor follows. The Fd of a conn is
// its index; its serial follows.
const listenerEvent = -2

func (l *loop) watch(fd int32, events uint32, kind, which int32) unix.Errno {
	return poll.EpollAdd(l.set.FD, fd, &unix.EpollEvent{Events: events, Fd: kind, Pad: which})
}

// Run is the loop's goroutine.
func (l *loop) Run() {
	defer l.end()
	for !l.Stopping() {
		l.work()
	}
}

// Mail returns the loop's mailbox.
func (l *loop) Mail() *poll.Mailbox { return &l.mail }

// work serves until the loop is to stop, or until a panic has ended a session. The next call first
// finishes the remaining work.
func (l *loop) work() {
	defer poll.Contain(l)
	l.makeCalls()
	for {
		for ev := l.set.Next(); ev != nil; ev = l.set.Next() {
			l.dispatch(ev)
		}
		l.runTimers()
		if l.Stopping() {
			return
		}
		n := l.wait()
		l.set.Received(n)
		l.now = time.Now()
		l.arrears.Woke(l.now.Sub(l.began), n == poll.EventsPerWait || n > 0 && l.arrears.Any(), mostBatches)
	}
}

// makeCalls runs the calls taken from the mailbox.
func (l *loop) makeCalls() {
	for f := l.mail.Next(); f != nil; f = l.mail.Next() {
		l.current = nil
		f()
	}
}

func (l *loop) dispatch(ev *unix.EpollEvent) {
	l.current = nil
	switch ev.Fd {
	case poll.MailEvent:
		l.mail.Receive()
		l.makeCalls()
	case listenerEvent:
		if p := l.listeners[ev.Pad]; p != nil && !p.unread {
			p.receive()
		}
	default:
		if c := l.conns.At(uint32(ev.Fd)); c != nil && c.serial == uint32(ev.Pad) {
			l.current = c
			c.readable()
		}
	}
}

// runTimers handles expired timers, resumed conns, deferred reads and aborts.
func (l *loop) runTimers() {
	if !l.arrears.Any() {
		l.expire()
	}
	for t := l.pauses.Expired(l.now); t != nil; t = l.pauses.Expired(l.now) {
		l.current = t.Owner.c
		t.Owner.ended()
	}
	if len(l.resuming) == 0 {
		l.resuming, l.ready = l.ready, nil
	}
	for len(l.resuming) > 0 {
		c := l.resuming[0]
		l.resuming = l.resuming[1:]
		l.current = c
		c.queued = false
		c.forwardFromServer()
	}
	l.resuming = nil
	l.aborts.Continue(l.now, l)
}

// expire handles expired timers.
func (l *loop) expire() {
	for t := l.wheel.Expired(l.now); t != nil; t = l.wheel.Expired(l.now) {
		l.current = t.Owner
		t.Owner.expired()
	}
}

// wait returns the number of events. It uses the scheduler only when it has to wait.
func (l *loop) wait() int {
	if n := l.set.Poll(0); n > 0 {
		return n
	}
	l.now = time.Now()
	if limit := l.untilDue(); limit > 0 {
		return l.set.Wait(poll.CeilMillis(limit))
	}
	return 0
}

// forever is how long a wait lasts when nothing is due.
const forever = time.Hour

// untilDue returns how long it takes until the loop has a timer to run.
func (l *loop) untilDue() time.Duration {
	if l.arrears.Any() || len(l.ready) > 0 || l.aborts.Ready(l.now) {
		return 0
	}
	limit := forever
	if d, ok := l.wheel.Next(l.now); ok {
		limit = min(limit, d)
	}
	if d, ok := l.pauses.Next(l.now); ok {
		limit = min(limit, d)
	}
	if len(l.aborts) > 0 {
		limit = min(limit, poll.AbortTick)
	}
	return limit
}

// full reports whether the loop has reached its limit of sessions and sockets.
func (l *loop) full() bool { return l.limit > 0 && int(l.sessions.Load()+l.sockets.Load()) >= l.limit }

// count is the loop's stream.DescriptorCount: a session needs a socket to its server.
func (l *loop) count() (open, needed int) { return int(l.sockets.Load()), int(l.sessions.Load()) }

// roomForSession reports whether there are descriptors for one more session, and logs if there are
// not.
func (l *loop) roomForSession() bool {
	if l.env.Descriptors.Room(1) {
		return true
	}
	usable, limit := l.env.Descriptors.Limits()
	l.logLimited(errorlog.Crit, fmt.Sprintf("%d of %d file descriptors in use or needed by sessions, dropping datagrams of new clients",
		usable, limit))
	return false
}

// logLimited logs at most once per second; the condition repeats for every datagram.
func (l *loop) logLimited(level errorlog.Level, msg string) {
	l.limited.Write(l.env.Log, l.now, level, msg)
}

// end ends the remaining sessions and releases all resources.
func (l *loop) end() {
	for c := range l.conns.All() {
		c.close()
	}
	l.set.Close()
	l.mail.Close()
	l.makeCalls()
	l.ended()
}
