package loop

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"weir/stream/errorlog"
)

// maxReserve is how many descriptors sessions leave to the rest of the process, which needs them to read a configuration, open its logs
// and ask for names just when clients have come in crowds. Of a low limit it is an eighth.
const maxReserve = 64

// restAfterExhaustion is for how long a port does not accept when there are no descriptors (nginx: accept_mutex_delay).
const restAfterExhaustion = 500 * time.Millisecond

// A ceiling is the number from which on descriptors are in reserve. The kernel gives out the lowest free one, so that a high number means
// that nearly all are in use.
type ceiling struct{ first, limit int32 }

// ceilingNow is what the process's limit makes of it; worker_rlimit_nofile may change that.
func ceilingNow() ceiling {
	var n unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &n); err != nil || n.Cur >= 1<<31-1 {
		return ceiling{1<<31 - 1, 1<<31 - 1}
	}
	limit := int32(n.Cur)
	return ceiling{limit - min(maxReserve, limit/8), limit}
}

// reached reports whether fd is in reserve.
func (l *loop) reached(fd int32) bool {
	if fd < l.ceiling.first {
		return false
	}
	l.ceiling = ceilingNow()
	return fd >= l.ceiling.first
}

// scarce reports whether the next descriptor would be in reserve, or there is none at all, and logs that.
func (l *loop) scarce() bool {
	fd, err := unix.FcntlInt(uintptr(l.mail.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		l.complain(errorlog.Crit, "accept4() failed"+errorlog.Errno(err))
		return true
	}
	unix.Close(fd)
	if !l.reached(int32(fd)) {
		return false
	}
	l.complainOfReserve()
	return true
}

// complainOfReserve logs why nobody is accepted.
func (l *loop) complainOfReserve() {
	l.complain(errorlog.Crit, fmt.Sprintf("%d of %d descriptors are in use, the others are kept in reserve and no connection is accepted",
		l.ceiling.first, l.ceiling.limit))
}

// rest takes the port out of the epoll set until there are descriptors again. One that is watched with EPOLLEXCLUSIVE can not be modified.
func (l *loop) rest(p *port) {
	if p.resting {
		return
	}
	p.resting = true
	epollDel(l.ep, int32(p.fd))
	l.wakeLater(p)
}

// wakeLater has the port accept again after a while.
func (l *loop) wakeLater(p *port) {
	time.AfterFunc(restAfterExhaustion, func() { l.post(func() { l.wake(p) }) })
}

// wake has the port accept again, if there are descriptors.
func (l *loop) wake(p *port) {
	switch {
	case l.ports[p.id] != p:
	case l.scarce():
		l.wakeLater(p)
	default:
		p.resting = false
		l.watch(p)
	}
}
