package healthcheck

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// A socket is the non-blocking socket of an exchange, and its progress.
type socket struct {
	fd        int
	connected bool
	out       []byte // not sent yet
	response  []byte
	reads     int
}

// maxReads limits the reads of a response, which may come in empty pieces.
const maxReads = 1024

// eventsPerPoll is the maximum number of events of one call.
const eventsPerPoll = 256

// poller runs exchanges on non-blocking sockets in one epoll set.
type poller struct {
	set         int
	descriptors *stream.Descriptors
	exchanges   map[int32]*exchange // by descriptor
	events      []unix.EpollEvent
	piece       []byte
}

// newSockets returns the sockets of a Checker, or nil if there can be none.
func newSockets(d *stream.Descriptors) sockets {
	set, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	return &poller{
		set: set, descriptors: d, exchanges: map[int32]*exchange{}, events: make([]unix.EpollEvent, eventsPerPoll),
		piece: make([]byte, maxRead),
	}
}

func (p *poller) close() { unix.Close(p.set) }

// start implements sockets.
func (p *poller) start(x *exchange) bool {
	kind := unix.SOCK_STREAM
	if x.addr.UDP {
		kind = unix.SOCK_DGRAM
	}
	to := endpointOf(x.addr)
	fd, e := openSocket(to.family, kind)
	if e != 0 {
		x.outcome = skipped("socket() failed", e)
		return true
	}
	x.fd = fd
	p.exchanges[int32(fd)] = x
	return p.ended(x, p.connect(x, to))
}

// connect begins to connect, and reports whether the exchange has ended.
func (p *poller) connect(x *exchange, to *endpoint) bool {
	if p.descriptors.Reserved(x.fd) {
		x.outcome = skipped("socket() failed", unix.EMFILE)
		return true
	}
	if !x.bind(&x.check.Target) {
		return true
	}
	e := connectSocket(x.fd, to)
	if e != 0 && e != unix.EINPROGRESS {
		x.outcome = x.connectFailed(e, true)
		return true
	}
	if e := watchSocket(p.set, x.fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET); e != 0 {
		x.outcome = skipped("epoll_ctl() failed", e)
		return true
	}
	return e == 0 && p.establish(x)
}

// bind sets the local address, if there is one for servers of this family.
func (x *exchange) bind(t *stream.Target) bool {
	if !t.Local.IsValid() || x.addr.Unix {
		return true
	}
	if t.Local.IP.Port() == 0 {
		unix.SetsockoptInt(x.fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	}
	err := transparent(x.fd, t)
	if e := bindSocket(x.fd, endpointOf(t.Local)); err == nil && e != 0 {
		err = e
	}
	if err != nil {
		x.outcome = skipped("bind("+t.Local.String()+") failed", err)
		return false
	}
	return true
}

// ended closes the socket of an exchange that has ended.
func (p *poller) ended(x *exchange, ended bool) bool {
	if !ended {
		return false
	}
	if b := x.check.Probe.Farewell(); b != nil && x.outcome.verdict == Passed {
		unix.Write(x.fd, b)
	}
	p.drop(x)
	return true
}

// drop implements sockets.
func (p *poller) drop(x *exchange) {
	delete(p.exchanges, int32(x.fd))
	closeSocket(x.fd)
}

// expire implements sockets.
func (p *poller) expire(x *exchange) {
	switch {
	case !x.connected:
		x.outcome = timeout(connecting)
	case len(x.out) > 0:
		x.outcome = timeout(sending)
	default:
		x.judge(x.response, Expired)
	}
	p.ended(x, true)
}

// poll implements sockets.
func (p *poller) poll(end func(*exchange)) bool {
	n := pollEvents(p.set, p.events)
	for _, ev := range p.events[:n] {
		x := p.exchanges[ev.Fd]
		if x != nil && p.ended(x, p.advance(x, ev.Events)) {
			end(x)
		}
	}
	return n > 0
}

// advance continues an exchange after an event, and reports whether it has ended.
func (p *poller) advance(x *exchange, events uint32) bool {
	if x.connected {
		return p.exchange(x)
	}
	if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		if e, err := unix.GetsockoptInt(x.fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil && e != 0 {
			x.outcome = x.connectFailed(unix.Errno(e), false)
			return true
		}
	}
	if events&unix.EPOLLOUT == 0 {
		return false
	}
	return p.establish(x)
}

// establish begins to send the request on a connection.
func (p *poller) establish(x *exchange) bool {
	x.connected = true
	if x.check.Protocol != NoHeader {
		x.out = x.check.Protocol.appendHeader(nil, boundTo(x.fd), x.addr)
	}
	if request := x.check.Probe.Request(x.addr); len(x.out) == 0 {
		x.out = request
	} else {
		x.out = append(x.out, request...)
	}
	return len(x.out) == 0 && x.judge(nil, Open) || p.exchange(x)
}

// exchange sends what is left of the request, then reads the response.
func (p *poller) exchange(x *exchange) bool {
	if len(x.out) > 0 {
		n, err := unix.Write(x.fd, x.out)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return false
		case err != nil:
			x.outcome = broken(sending, "send() failed", err)
			return true
		}
		x.out = x.out[n:]
		if len(x.out) > 0 {
			return false
		}
		if x.judge(nil, Open) {
			return true
		}
	}
	for {
		if ended, again := p.read(x); ended || !again {
			return ended
		}
	}
}

// read reads a piece of the response. It reports whether the exchange has ended, and otherwise
// whether there may be more to read.
func (p *poller) read(x *exchange) (ended, again bool) {
	n, err := unix.Read(x.fd, p.piece[:min(x.check.limit()-len(x.response), len(p.piece))])
	x.reads++
	switch {
	case errors.Is(err, unix.EAGAIN):
		return false, false
	case errors.Is(err, unix.EINTR):
		return false, true
	case err != nil:
		x.outcome = broken(reading, "recv() failed", err)
		return true, false
	case n == 0 && !x.addr.UDP:
		return x.judge(x.response, Closed), false
	}
	x.response = append(x.response, p.piece[:n]...)
	end := Open
	if x.reads >= maxReads {
		end = Full
	}
	return x.judge(x.response, end), true
}

// boundTo returns the local IP address of a socket; invalid for others.
func boundTo(fd int) stream.Addr {
	switch sa, _ := unix.Getsockname(fd); sa := sa.(type) {
	case *unix.SockaddrInet4:
		return ipAddr(sa.Addr[:], sa.Port)
	case *unix.SockaddrInet6:
		return ipAddr(sa.Addr[:], sa.Port)
	}
	return stream.Addr{}
}

// setTransparent prepares a socket of package net for a local address of another machine.
func setTransparent(raw syscall.RawConn, t *stream.Target) (err error) {
	if e := raw.Control(func(fd uintptr) { err = transparent(int(fd), t) }); e != nil {
		return e
	}
	return err
}

// transparent prepares a socket for a local address of another machine, if the target wants that.
func transparent(fd int, t *stream.Target) error {
	switch {
	case !t.Transparent || !t.Local.IsValid():
		return nil
	case t.Local.IP.Addr().Is4():
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TRANSPARENT, 1)
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TRANSPARENT, 1)
}
