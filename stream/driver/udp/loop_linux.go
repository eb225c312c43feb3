package udp

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
	"weir/internal/relay"
	"weir/stream"
)

const (
	// eventsPerWait is the maximum number of events of one wait.
	eventsPerWait = 256
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
	ep       int
	env      *stream.Env // with the loop's own clock
	began    time.Time
	now      time.Time // read once for each wake-up
	mail     mailbox
	ports    map[int32]*listener // by descriptor
	conns    []*conn             // by index; nil where free
	free     []int32
	serial   int32
	limit    int          // sessions and sockets; 0 disables the limit
	sessions atomic.Int32 // read by other goroutines, like sockets
	sockets  atomic.Int32 // to servers
	wheel    *relay.Wheel[*conn]
	pauses   *relay.Wheel[*pause] // in milliseconds
	arrears  relay.Arrears
	current  *conn             // the conn that the loop works for; may be nil
	unread   []unix.EpollEvent // of the last wait
	calls    []func()          // from the mailbox
	again    []*conn           // conns with more to read than one turn allows
	resuming []*conn           // those of the last turn
	aborts   []*abort
	in       *batch // from clients
	out      *batch // from servers to clients
	key      []byte // room for a client's key
	events   []unix.EpollEvent
	stopping bool
	lastCrit time.Time
}

// mailbox passes calls to a loop. Its eventfd is in the loop's epoll set.
type mailbox struct {
	mu    sync.Mutex
	calls []func()
	fd    int
	rung  atomic.Bool
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
		ep: ep, began: now, now: now, mail: mailbox{fd: wake}, ports: map[int32]*listener{}, limit: limit, in: newBatch(), out: newBatch(),
		events: make([]unix.EpollEvent, eventsPerWait), key: make([]byte, 0, maxKey),
		wheel: relay.NewWheel[*conn](now, tick, slots), pauses: relay.NewWheel[*pause](now, time.Millisecond, slots),
	}
	clocked := *env
	clocked.Now = func() time.Time { return l.now }
	l.env = &clocked
	if err := l.watch(wake, unix.EPOLLIN, mailEvent, 0); err != nil {
		l.end()
		l.closeMail()
		return nil, err
	}
	return l, nil
}

// The kinds of event: the mailbox, a listener (its descriptor follows), or a conn (its index, with
// a serial that distinguishes it from an earlier one at the same index).
const (
	mailEvent = -1
	portEvent = -2
)

func (l *loop) watch(fd int, events uint32, kind, which int32) error {
	return unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: kind, Pad: which})
}

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
		l.turn()
		if l.stopping {
			return
		}
		n := l.wait()
		l.unread = l.events[:n]
		l.now = time.Now()
		l.arrears.Woke(l.now.Sub(l.began), n == eventsPerWait || n > 0 && l.arrears.Any(), mostBatches)
	}
}

func (l *loop) dispatch(ev *unix.EpollEvent) {
	l.current = nil
	switch ev.Fd {
	case mailEvent:
		l.readMail()
	case portEvent:
		if p := l.ports[ev.Pad]; p != nil {
			p.receive()
		}
	default:
		if c := l.conns[ev.Fd]; c != nil && c.serial == ev.Pad {
			l.current = c
			c.readable()
		}
	}
}

// turn handles expired timers, resumed conns, deferred reads and aborts.
func (l *loop) turn() {
	if !l.arrears.Any() {
		l.expire()
	}
	for t := l.pauses.Expired(l.now); t != nil; t = l.pauses.Expired(l.now) {
		l.current = t.Owner.c
		t.Owner.passed()
	}
	if len(l.resuming) == 0 {
		l.resuming, l.again = l.again, nil
	}
	for len(l.resuming) > 0 {
		c := l.resuming[0]
		l.resuming = l.resuming[1:]
		l.current = c
		c.queued = false
		c.carry()
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

// readMail runs the posted calls.
func (l *loop) readMail() {
	var count [8]byte
	unix.Read(l.mail.fd, count[:])
	l.mail.rung.Store(false)
	l.mail.mu.Lock()
	l.calls = l.mail.calls
	l.mail.calls = nil
	l.mail.mu.Unlock()
	l.makeCalls()
}

// makeCalls runs the calls taken from the mailbox.
func (l *loop) makeCalls() {
	for len(l.calls) > 0 {
		f := l.calls[0]
		l.calls = l.calls[1:]
		l.current = nil
		f()
	}
	l.calls = nil
}

// wait returns the number of events. It uses the scheduler only when it has to wait.
func (l *loop) wait() int {
	if n := l.epollWait(0, unix.RawSyscall6); n > 0 {
		return n
	}
	l.now = time.Now()
	if limit := l.untilDue(); limit > 0 {
		return l.epollWait(limit, unix.Syscall6)
	}
	return 0
}

func (l *loop) epollWait(ms int, call func(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err unix.Errno)) int {
	n, _, e := call(unix.SYS_EPOLL_PWAIT, uintptr(l.ep), uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events)), uintptr(ms), 0, 0)
	if e != 0 {
		return 0
	}
	return int(n)
}

// forever is how long a wait lasts when nothing is due, in milliseconds.
const forever = int(time.Hour / time.Millisecond)

// untilDue returns how many milliseconds remain until the loop has a timer to run.
func (l *loop) untilDue() int {
	limit := forever
	if l.arrears.Any() || len(l.again) > 0 || len(l.aborts) > 0 && l.aborts[0].ready(l.now) {
		limit = 0
	}
	if d, ok := l.wheel.Next(l.now); ok {
		limit = min(limit, ceilMillis(d))
	}
	if d, ok := l.pauses.Next(l.now); ok {
		limit = min(limit, ceilMillis(d))
	}
	if len(l.aborts) > 0 {
		limit = min(limit, abortTick)
	}
	return limit
}

func ceilMillis(d time.Duration) int {
	return int(min((d+time.Millisecond-1)/time.Millisecond, math.MaxInt32))
}

// full reports whether the loop has reached its limit of sessions and sockets.
func (l *loop) full() bool { return l.limit > 0 && int(l.sessions.Load()+l.sockets.Load()) >= l.limit }

// count is the loop's stream.DescriptorCount: a session needs a socket to its server.
func (l *loop) count() (open, needed int) { return int(l.sockets.Load()), int(l.sessions.Load()) }

// scarce reports whether descriptors for one more session are missing, and logs that.
func (l *loop) scarce() bool {
	if l.env.Descriptors.Room(1) {
		return false
	}
	usable, limit := l.env.Descriptors.Limits()
	l.complain(errorlog.Crit, fmt.Sprintf("%d of %d descriptors are in use or needed by sessions, datagrams of new clients are dropped",
		usable, limit))
	return true
}

// complain logs at most once per second; the condition repeats for every datagram.
func (l *loop) complain(level errorlog.Level, msg string) {
	if l.now.Sub(l.lastCrit) < time.Second {
		return
	}
	l.lastCrit = l.now
	l.env.Log.Write(level, 0, msg)
}

// end ends the remaining sessions and releases all resources except the mailbox, which a poster may
// be about to write to.
func (l *loop) end() {
	for _, c := range l.conns {
		if c != nil {
			c.close()
		}
	}
	unix.Close(l.ep)
	l.readMail()
}

// closeMail closes the mailbox of a loop that has ended. No goroutine may post any more.
func (l *loop) closeMail() { unix.Close(l.mail.fd) }
