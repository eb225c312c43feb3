package epoll

import (
	"fmt"
	"time"

	"weir/internal/errorlog"
	"weir/stream/driver/internal/poll"
)

// restAfterExhaustion is how long a listener does not accept when descriptors are short (nginx:
// accept_mutex_delay).
const restAfterExhaustion = 500 * time.Millisecond

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
	l.complainOfReserve()
	return false
}

// complainOfReserve logs why no connection is accepted.
func (l *loop) complainOfReserve() {
	usable, limit := l.env.Descriptors.Limits()
	l.logLimited(errorlog.Crit, fmt.Sprintf("%d of %d descriptors are in use or needed by sessions, no connection is accepted until some are free",
		usable, limit))
}

// suspend removes the listener from the epoll set until descriptors are free again. A descriptor
// watched with EPOLLEXCLUSIVE cannot be modified.
func (l *loop) suspend(p *listener) {
	if p.resting {
		return
	}
	p.resting = true
	poll.EpollRemove(l.set.FD, int32(p.fd))
	l.wakeLater(p)
}

// wakeLater makes the listener accept again after restAfterExhaustion.
func (l *loop) wakeLater(p *listener) {
	time.AfterFunc(restAfterExhaustion, func() { l.mail.Post(func() { l.resume(p) }) })
}

// resume makes the listener accept again, if descriptors are free.
func (l *loop) resume(p *listener) {
	switch {
	case l.listeners[p.id] != p:
	case !l.roomForSession():
		l.wakeLater(p)
	default:
		l.listenAgain(p)
	}
}

// listenAgain adds the listener to the epoll set again, now or later.
func (l *loop) listenAgain(p *listener) {
	if e := l.watch(p); e != 0 {
		l.logLimited(errorlog.Alert, "epoll_ctl() failed"+errorlog.Errno(e))
		p.resting = true
		l.wakeLater(p)
		return
	}
	p.resting = false
}
