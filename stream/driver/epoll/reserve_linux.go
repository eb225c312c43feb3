package epoll

import (
	"fmt"
	"time"

	"weir/internal/errorlog"
	"weir/stream/driver/internal/poll"
)

// suspension is how long a listener does not accept when descriptors are short (nginx:
// accept_mutex_delay).
const suspension = 500 * time.Millisecond

// descriptorsEach is how many descriptors a session needs: one for its client and one for its
// server.
const descriptorsEach = 2

// count is the loop's stream.DescriptorCount.
func (l *load) count() (open, needed int) {
	return int(l.connections.Load()), descriptorsEach * int(l.sessions.Load())
}

// roomForSession reports whether there are descriptors for one more session, and logs if there are
// not.
func (l *loop) roomForSession() bool {
	if l.env.Descriptors.Room(descriptorsEach) {
		return true
	}
	l.logReserve()
	return false
}

// logReserve logs why no connection is accepted.
func (l *loop) logReserve() {
	usable, limit := l.env.Descriptors.Limits()
	l.logLimited(errorlog.Crit, fmt.Sprintf("%d of %d file descriptors in use or needed by sessions, not accepting connections until some are free",
		usable, limit))
}

// suspend removes the listener from the epoll set until descriptors are free again. A descriptor
// watched with EPOLLEXCLUSIVE cannot be modified.
func (l *loop) suspend(p *listener) {
	if p.suspended {
		return
	}
	p.suspended = true
	poll.EpollRemove(l.set.FD, int32(p.fd))
	l.resumeLater(p)
}

// resumeLater makes the listener accept again after restAfterExhaustion.
func (l *loop) resumeLater(p *listener) {
	time.AfterFunc(suspension, func() { l.mail.Post(func() { l.resume(p) }) })
}

// resume makes the listener accept again, if descriptors are free.
func (l *loop) resume(p *listener) {
	switch {
	case l.listeners[p.fd] != p:
	case !l.roomForSession():
		l.resumeLater(p)
	default:
		l.listenAgain(p)
	}
}

// listenAgain adds the listener to the epoll set again, now or later.
func (l *loop) listenAgain(p *listener) {
	if e := l.watch(p); e != 0 {
		l.logLimited(errorlog.Alert, "epoll_ctl() failed"+errorlog.Errno(e))
		p.suspended = true
		l.resumeLater(p)
		return
	}
	p.suspended = false
}
