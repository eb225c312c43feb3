package epoll

import (
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
)

const (
	// bufferSize is the loop's one read buffer; what is read into it is written on, or copied, before the next read.
	bufferSize = 64 << 10
	// eventsPerWait is how many events one wait may bring.
	eventsPerWait = 256
	// tick is the resolution of the loop's timers.
	tick = 10 * time.Millisecond
	// slots makes a time-out of 10 minutes pass the wheel's end some fifty times.
	slots = 1024
)

// loop is one goroutine with its epoll set, and owns every session that it has accepted. Only run and what it calls touch it, apart
// from the mailbox.
type loop struct {
	ep         int
	env        *stream.Env // with the loop's own clock
	now        time.Time   // read once for each wake-up
	began      time.Time
	noPorts    int64 // until when, by stamp, source ports count as short
	stamp      int64 // now in nanoseconds since began, by the monotonic clock: setting the system's ends no session
	mail       mailbox
	ports      map[uint32]*listener
	conns      []*conn // by index; nil where free
	free       []uint32
	serial     uint32
	limit      int // connections; 0: none
	load       *load
	churn      churn
	enough     int32          // sessions: with fewer the loop is not ahead of others, as far as it knows
	number     int            // of the loop among all
	all        []*loop        // of the driver
	cpus       []int          // to stay on, once it serves
	adopter    stream.Adopter // nil: none
	wheel      *relay.Wheel[*conn]
	pauses     *relay.Wheel[*half] // to the millisecond
	arrears    relay.Arrears
	current    *conn             // that the loop works for; nil: none
	unread     []unix.EpollEvent // of the last wait
	calls      []func()          // from the mailbox
	ready      []*half           // sides that have more to read than one turn allows
	resuming   []*half           // those of the last turn
	aborts     []*abort
	pipes      []*pipe // not in use
	madePipes  int
	backlogs   backlogPool
	setups     []*setup // not in use
	buf        []byte
	events     []unix.EpollEvent
	sa         unix.RawSockaddrAny
	local      *stream.Addr // of the last connection to a wildcard
	forecast   forecast
	awakeSince int64    // by stamp, when it began to wait without the scheduler; see keepPolled
	parking    *parking // nil: none
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

// What an event is for: the mailbox, a port (its number follows), or a side of a connection (its index follows, and the serial
// that tells it from an earlier one at the same index).
const (
	mailEvent = -1
	portEvent = -2
)

// run is the loop's goroutine. It is not locked to its thread: the runtime makes room for others every 10 ms, and a locked goroutine
// then costs two switches between threads.
func (l *loop) run() {
	defer l.end()
	for !l.stopping {
		l.work()
	}
}

// work serves until the loop is to stop, or a panic has ended a session. What was left to do then is done first by the next call.
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

// runTimers does what is due besides events: timers, pauses, sides cut short, aborts.
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

// expire ends what has taken too long.
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

// end cuts what is left and gives everything back.
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
