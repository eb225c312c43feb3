package epoll

import (
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
	"weir/stream"
	"weir/stream/driver/internal/poll"
)

// listener is one loop's view of a listening socket.
type listener struct {
	id        uint32
	fd        int
	shared    bool // used by all loops
	noDelay   bool // accepted connections start with TCP_NODELAY
	admit     func() (*stream.Listen, stream.Lease)
	suspended bool // removed from the epoll set because descriptors are short
}

// setListener makes the loop accept on these descriptors of from, and on no others.
func (l *loop) setListener(id uint32, from *stream.Listener, fds []int) error {
	for fd, p := range l.listeners {
		if p.id == id && !slices.Contains(fds, fd) {
			l.removeListener(p)
		}
	}
	for _, fd := range fds {
		if l.listeners[fd] != nil {
			continue
		}
		l.pinThread()
		p := &listener{id: id, fd: fd, shared: len(from.FDs) == 1, admit: from.Admit, noDelay: hasNoDelay(fd)}
		if e := l.watch(p); e != 0 {
			return e
		}
		l.listeners[fd] = p
	}
	return nil
}

// watch adds the listener to the epoll set. Of the loops that share it, the kernel wakes one for
// each connection: the first waiting loop in the order of their calls of watch.
func (l *loop) watch(p *listener) unix.Errno {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: listenerEvent, Pad: int32(p.fd)}
	if p.shared {
		ev.Events |= unix.EPOLLEXCLUSIVE
	}
	return poll.EpollAdd(l.set.FD, int32(p.fd), &ev)
}

// RemoveListener stops accepting on a listener.
func (l *loop) RemoveListener(id uint32) { l.setListener(id, nil, nil) }

func (l *loop) removeListener(p *listener) {
	if !p.suspended {
		poll.EpollRemove(l.set.FD, int32(p.fd))
	}
	delete(l.listeners, p.fd)
}

// accepted is an accepted connection without a conn.
type accepted struct {
	fd      int32
	peer    stream.Addr
	noDelay bool // TCP_NODELAY is on
	listen  *stream.Listen
	lease   stream.Lease
}

// accept takes one connection. The next one raises another event, in any loop that is free.
func (l *loop) accept(p *listener) {
	if !l.roomForSession() {
		l.suspend(p)
		return
	}
	fd, e := poll.Accept(p.fd, &l.sa)
	if e != 0 {
		l.acceptFailed(p, e)
		return
	}
	to := l.receiver(p)
	if to == nil {
		l.reject(p, fd)
		return
	}
	if l.env.Descriptors.Reserved(int(fd)) {
		l.logReserve()
		l.suspend(p)
	}
	listen, lease := p.admit()
	if listen == nil {
		closeFD(fd)
		return
	}
	a := accepted{fd: fd, peer: l.sa.Addr(), noDelay: p.noDelay, listen: listen, lease: lease}
	to.load.sessions.Add(1)
	to.load.connections.Add(1)
	if to == l {
		l.serve(&a)
		return
	}
	l.transfer(to, a)
	l.stepBack(p)
}

// reject closes a connection that no loop has room for. As in nginx, each one is logged to the
// error log of its server.
func (l *loop) reject(p *listener, fd int32) {
	if listen, lease := p.admit(); listen != nil {
		listen.Default.Settings.ErrorLog.Write(errorlog.Alert, 0, strconv.Itoa(int(l.load.limit.Load()))+" worker_connections are not enough")
		if lease != nil {
			lease.Release()
		}
	}
	if p := l.env.Status; p != nil {
		p.Connections.Drop(l.env.Loop)
	}
	closeFD(fd)
}

// serve begins the session of a connection that is already counted.
func (l *loop) serve(a *accepted) {
	c := l.newConn(a.fd)
	peer := stream.Client{Addr: a.peer}
	if a.listen.WantLocal {
		peer.Local = l.shared(poll.LocalAddr(a.fd))
	}
	c.client.local, c.client.noDelay = a.peer.Unix, a.noDelay
	c.s = stream.NewSession(a.listen, l.env, peer, a.lease)
	l.current = c
	c.do(c.s.Advance(stream.Event{Kind: stream.Accepted}))
}

// shared returns a pointer to a that sessions of the loop share, because most local addresses are
// equal.
func (l *loop) shared(a stream.Addr) *stream.Addr {
	if l.local == nil || *l.local != a {
		l.local = &a
	}
	return l.local
}

func (l *loop) acceptFailed(p *listener, e unix.Errno) {
	switch e {
	case unix.EAGAIN, unix.EINTR:
		return
	case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
		l.logLimited(errorlog.Crit, "accept4() failed"+errorlog.Errno(e))
		l.suspend(p)
	case unix.ECONNABORTED:
		l.logLimited(errorlog.Error, "accept4() failed"+errorlog.Errno(e))
	default:
		l.logLimited(errorlog.Alert, "accept4() failed"+errorlog.Errno(e))
		l.suspend(p)
	}
}

// logLimited logs at most once per second; the condition repeats for every connection.
func (l *loop) logLimited(level errorlog.Level, msg string) {
	l.limited.Write(l.env.Log, l.now, level, msg)
}
