package epoll

import (
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
)

const (
	// bufferSize is the size of the loop's read buffer. Data in it is written or copied before the
	// next read.
	bufferSize = 64 << 10
	// eventsPerWait is the maximum number of events of one wait.
	eventsPerWait = 256
	// tick is the resolution of the loop's timers.
	tick = 10 * time.Millisecond
	// slots is the size of the timer wheel: a timeout of 10 minutes wraps around it some fifty
	// times.
	slots = 1024
)

// loop is one goroutine with its epoll set, and owns the sessions that it serves. Only run and the
// functions it calls use it, except for the mailbox.
type loop struct {
	ep         int
	env        *stream.Env // with the loop's own clock
	now        time.Time   // read once for each wake-up
	began      time.Time
	noPorts    int64 // until when source ports count as short, by stamp
	stamp      int64 // now in nanoseconds since began, by the monotonic clock: setting the system clock ends no session
	mail       mailbox
	ports      map[uint32]*listener
	conns      []*conn // by index; nil where free
	free       []uint32
	serial     uint32
	limit      int // connections; 0 disables the limit
	load       *load
	churn      churn
	enough     int32          // sessions: with fewer, the loop assumes that it is not ahead of others
	number     int            // index of the loop in all
	all        []*loop        // all loops of the driver
	cpus       []int          // processors to stay on while it serves
	adopter    stream.Adopter // may be nil
	wheel      *relay.Wheel[*conn]
	pauses     *relay.Wheel[*half] // in milliseconds
	arrears    relay.Arrears
	current    *conn             // the conn that the loop works for; may be nil
	unread     []unix.EpollEvent // of the last wait
	calls      []func()          // from the mailbox
	ready      []*half           // sides with more to read than one turn allows
	resuming   []*half           // those of the last turn
	aborts     []*abort
	pipes      []*pipe // unused pipes
	madePipes  int
	backlogs   backlogPool
	setups     []*setup // unused setups
	buf        []byte
	events     []unix.EpollEvent
	sa         unix.RawSockaddrAny
	local      *stream.Addr // local address of the last connection to a wildcard
	forecast   forecast
	awakeSince int64    // when it began to wait without the scheduler, by stamp; see keepPolled
	parking    *parking // may be nil
	stopping   bool
	lastCrit   time.Time
}

func newLoop(env *stream.Env, limit int) (*loop, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	wake, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(ep)
		return nil, err
	}
	now := env.Now()
	l := &loop{
		load: new(load),
		ep:   ep, now: now, began: now, ports: map[uint32]*listener{}, limit: limit, buf: make([]byte, bufferSize),
		events: make([]unix.EpollEvent, eventsPerWait), mail: mailbox{fd: int32(wake)},
		wheel: relay.NewWheel[*conn](now, tick, slots), pauses: relay.NewWheel[*half](now, time.Millisecond, slots),
	}
	clocked := *env
	clocked.Now = func() time.Time { return l.now }
	l.env = &clocked
	if e := epollAdd(ep, l.mail.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: mailEvent}); e != 0 {
		l.end()
		return nil, e
	}
	l.parking = newParking(l)
	return l, nil
}

// The kinds of event: the mailbox, a listener (its number follows), or a side of a connection (its
// index follows, and a serial that distinguishes it from an earlier one at the same index).
const (
	mailEvent = -1
	portEvent = -2
)

// run is the loop's goroutine. It is not locked to its thread: the runtime preempts it every 10 ms,
// which for a locked goroutine costs two thread switches.
func (l *loop) run() {
	defer l.end()
	for !l.stopping {
		l.work()
	}
}

// work serves until the loop is to stop, or until a panic has ended a session. The next call first
// finishes the remaining work.
func (l *loop) work() {
	defer l.contain()
	l.makeCalls()
	for {
		for len(l.unread) > 0 {
			ev := &l.unread[0]
			l.unread = l.unread[1:]
			l.dispatch(ev)
		}
		l.runTimers()
		if l.stopping {
			return
		}
		n := l.wait()
		l.unread = l.events[:n]
		l.setNow(time.Now())
		l.arrears.Woke(time.Duration(l.stamp), n == eventsPerWait, int(l.load.connections.Load())/eventsPerWait+1)
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
	l.continueAborts()
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
	case mailEvent:
		l.readMail()
	case portEvent:
		if p := l.ports[uint32(ev.Pad)]; p != nil {
			l.accept(p)
		}
	default:
		c := l.conns[ev.Fd>>1]
		if c != nil && c.serial == uint32(ev.Pad) {
			l.current = c
			c.side(ev.Fd & 1).event(ev.Events)
		}
	}
}

// end ends the remaining sessions and releases all resources.
func (l *loop) end() {
	for _, c := range l.conns {
		if c != nil {
			c.close()
		}
	}
	for _, p := range l.pipes {
		p.close()
	}
	l.parking.close()
	unix.Close(int(l.mail.fd))
	unix.Close(l.ep)
	l.readMail()
}
