package epoll

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/internal/poll"
)

const (
	// bufferSize is the size of the loop's read buffer. Data in it is written or copied before the
	// next read.
	bufferSize = 64 << 10
	// tick is the resolution of the loop's timers.
	tick = 10 * time.Millisecond
	// slots is the size of the timer wheel: a timeout of 10 minutes wraps around it some fifty
	// times.
	slots = 1024
)

// loop is one goroutine with its epoll set, and owns the sessions that it serves. Only run and the
// functions it calls use it, except for the mailbox.
type loop struct {
	poll.Life
	set           poll.Set
	env           *stream.Env // with the loop's own clock
	now           time.Time   // read once for each wake-up
	began         time.Time
	noPorts       int64 // until when source ports count as short, by stamp
	stamp         int64 // now in nanoseconds since began, by the monotonic clock: setting the system clock ends no session
	mail          poll.Mailbox
	listeners     map[int]*listener // by descriptor
	conns         poll.Table[conn]
	load          *load
	churn         churn
	enough        int32          // sessions: with fewer, the loop assumes that it is not ahead of others
	number        int            // of the loop in the driver
	all           []*loop        // the loops of the driver that accept
	cpus          []int          // processors to stay on while it serves
	pinned        *unix.CPUSet   // those of the thread before the goroutine was locked to it; nil if it is not
	workers       *workers       // of the driver; may be nil
	lent          sync.WaitGroup // handshakes that workers have
	coroutines    []*coroutine   // unused coroutines
	encrypted     []byte         // collects what one call of a tls.Conn writes
	handshakeCost time.Duration  // average, of the most expensive step of a handshake
	wheel         *relay.Wheel[*conn]
	pauses        *relay.Wheel[*half] // in milliseconds
	arrears       relay.Arrears
	current       *conn   // the conn that the loop works for; may be nil
	ready         []*half // sides with more to read than one turn allows
	resuming      []*half // those of the last turn
	aborts        poll.Aborts
	pipes         []*pipe // unused pipes
	madePipes     int
	backlogs      backlogPool
	setups        []*setup // unused setups
	buf           []byte
	sa            poll.Sockaddr // of the last client
	local         *stream.Addr  // local address of the last connection to a wildcard
	forecast      forecast
	awakeSince    int64    // when it began to wait without the scheduler, by stamp; see keepPolled
	parking       *parking // may be nil
	ended         func()   // called after the end
	limited       poll.LimitedLog
}

func newLoop(env *stream.Env) (*loop, error) {
	now := env.Now()
	l := &loop{
		load: new(load), now: now, began: now, listeners: map[int]*listener{}, ended: func() {}, buf: make([]byte, bufferSize),
		wheel: relay.NewWheel[*conn](now, tick, slots), pauses: relay.NewWheel[*half](now, time.Millisecond, slots),
	}
	l.Life = poll.NewLife(&l.mail, &l.load.sessions)
	if err := l.set.Open(&l.mail); err != nil {
		return nil, err
	}
	clocked := *env
	clocked.Now = func() time.Time { return l.now }
	l.env = &clocked
	l.parking = newParking(l)
	l.all = []*loop{l}
	return l, nil
}

// listenerEvent is the Fd of the events of a listener, whose number follows. The Fd of a side of a
// connection has the connection's index and the side; its serial follows.
const listenerEvent = -2

// Run is the loop's goroutine. It is not locked to its thread: the runtime preempts it every 10 ms,
// which for a locked goroutine costs two thread switches.
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
		l.setNow(time.Now())
		l.arrears.Woke(time.Duration(l.stamp), n == poll.EventsPerWait, int(l.load.connections.Load())/poll.EventsPerWait+1)
	}
}

// makeCalls runs the calls taken from the mailbox.
func (l *loop) makeCalls() {
	for f := l.mail.Next(); f != nil; f = l.mail.Next() {
		l.current = nil
		f()
	}
}

// setNow sets the loop's clock.
func (l *loop) setNow(now time.Time) { l.now, l.stamp = now, int64(now.Sub(l.began)) }

// runTimers handles expired timers, resumed directions, deferred reads and aborts.
func (l *loop) runTimers() {
	if !l.arrears.Any() {
		l.expire()
	}
	for t := l.pauses.Expired(l.now); t != nil; t = l.pauses.Expired(l.now) {
		l.current = t.Owner.c
		t.Owner.resume()
	}
	if len(l.resuming) == 0 {
		l.resuming, l.ready = l.ready, nil
	}
	for len(l.resuming) > 0 {
		h := l.resuming[0]
		l.resuming = l.resuming[1:]
		l.current = h.c
		h.continueRead()
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

func (l *loop) dispatch(ev *unix.EpollEvent) {
	l.current = nil
	switch ev.Fd {
	case poll.MailEvent:
		l.mail.Receive()
		l.makeCalls()
	case listenerEvent:
		if p := l.listeners[int(ev.Pad)]; p != nil {
			l.accept(p)
		}
	default:
		c := l.conns.At(uint32(ev.Fd) >> 1)
		if c != nil && c.serial == uint32(ev.Pad) {
			l.current = c
			c.side(ev.Fd & 1).event(ev.Events)
		}
	}
}

// end ends the remaining sessions and releases all resources.
func (l *loop) end() {
	l.lent.Wait()
	for c := range l.conns.All() {
		c.close()
	}
	for _, p := range l.pipes {
		p.close()
	}
	for _, co := range l.coroutines {
		co.stop()
	}
	l.parking.close()
	l.set.Close()
	l.mail.Close()
	l.makeCalls()
	l.ended()
}
