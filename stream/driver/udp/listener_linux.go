package udp

import (
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
	"weir/stream"
	"weir/stream/driver/internal/poll"
)

// receivesPerTurn is how many batches a listener may receive before the loop serves others.
const receivesPerTurn = 4

// listener is a socket that receives datagrams, and through which its sessions answer. One loop
// reads it.
type listener struct {
	*stream.Listener
	id      uint32
	fd      int32
	l       *loop
	bound   netip.AddrPort
	table   map[string]*conn // the sessions that receive datagrams, by key
	local   *stream.Addr     // of the last session, where sessions on a wildcard have their own
	unread  bool             // another loop reads the socket
	removed bool             // the driver does not own the socket any more
}

// wildcard reports whether each datagram has a local address of its own.
func (p *listener) wildcard() bool { return p.bound.IsValid() && p.bound.Addr().IsUnspecified() }

func (l *loop) addListener(id uint32, fd int32, p *stream.Listener) error {
	if e := l.watch(fd, unix.EPOLLIN, listenerEvent, fd); e != 0 {
		return e
	}
	if own := l.listeners[fd]; own != nil {
		own.unread = false
		return nil
	}
	l.listeners[fd] = &listener{Listener: p, id: id, fd: fd, l: l, bound: poll.LocalAddr(fd).IP, table: map[string]*conn{}}
	return nil
}

// reads returns the descriptors of the listeners that the loop reads.
func (l *loop) reads() (fds []int) {
	for fd, p := range l.listeners {
		if !p.unread {
			fds = append(fds, int(fd))
		}
	}
	return fds
}

// stopReading leaves the sockets of one stream.Listener to other loops. Its sessions continue to answer
// through them.
func (l *loop) stopReading(id uint32) {
	for fd, p := range l.listeners {
		if p.id == id && !p.unread {
			poll.EpollRemove(l.set.FD, fd)
			p.unread = true
		}
	}
}

// RemoveListener removes the sockets of one stream.Listener. Their sessions detect that when they
// answer.
func (l *loop) RemoveListener(id uint32) {
	for fd, p := range l.listeners {
		if p.id == id {
			if !p.unread {
				poll.EpollRemove(l.set.FD, fd)
			}
			delete(l.listeners, fd)
			p.removed, p.fd = true, -1
		}
	}
}

// receive receives datagrams, up to the limit of a turn; if more are left, they raise another
// event.
func (p *listener) receive() {
	for range receivesPerTurn {
		n, e := p.l.in.receiveFrom(p.fd)
		if e != 0 {
			p.receiveFailed(e)
			return
		}
		for i := range n {
			p.dispatch(i)
		}
		if n < batchSize {
			return
		}
	}
}

func (p *listener) receiveFailed(e unix.Errno) {
	if e != unix.EAGAIN && e != unix.EINTR {
		p.l.logLimited(errorlog.Alert, "recvmsg() failed"+errorlog.Errno(e))
	}
}

// dispatch passes datagram i of the batch to its session. It follows ngx_event_recvmsg.
func (p *listener) dispatch(i int) {
	in := p.l.in
	if in.truncated(i) {
		p.l.logLimited(errorlog.Alert, "recvmsg() truncated data")
		return
	}
	name, local := in.name(i), p.localOf(i)
	key := p.keyOf(name, local)
	if c := p.table[string(key)]; c != nil {
		p.l.current = c
		if p.Current == nil || p.Current(c.s.Listen.Config) {
			c.fromClient(in.data(i))
			return
		}
		c.shutDown()
	}
	p.begin(key, name, local, in.data(i))
}

// localOf returns the destination address of datagram i, or zero where the socket has only one.
func (p *listener) localOf(i int) netip.Addr {
	if !p.wildcard() {
		return netip.Addr{}
	}
	in := p.l.in
	return localAddr(in.controls[i][:in.headers[i].Controllen])
}

// keyOf returns the key of a client's session: the client's address and, on a wildcard, the
// destination address. It is valid until the next call.
func (p *listener) keyOf(name []byte, local netip.Addr) []byte {
	clearFlow(name)
	key := append(p.l.key[:0], name...)
	if local.IsValid() {
		addr := local.As16()
		key = append(key, addr[:]...)
	}
	return key
}

// begin begins a session for a datagram that belongs to none.
func (p *listener) begin(key, name []byte, local netip.Addr, data []byte) {
	p.l.current = nil
	if !p.l.roomForSession() {
		return
	}
	listen, lease := p.Admit()
	if listen == nil {
		return
	}
	if p.l.full() {
		p.reject(listen, lease)
		return
	}
	c := p.l.newConn(p, string(key), len(name), local)
	if !unbound(name) {
		p.table[c.key] = c
	}
	peer := stream.Client{Addr: poll.AddrOf(name)}
	if listen.WantLocal && local.IsValid() {
		peer.Local = p.shared(netip.AddrPortFrom(local, p.bound.Port()))
	}
	c.s = stream.NewSession(listen, p.l.env, peer, lease)
	p.l.current = c
	c.do(c.s.Advance(stream.Event{Kind: stream.Accepted, Data: data}))
}

// reject drops a datagram for whose session the loop has no room. As in nginx, each one is logged
// to the error log of its server.
func (p *listener) reject(listen *stream.Listen, lease stream.Lease) {
	listen.Default.Settings.ErrorLog.Write(errorlog.Alert, 0, strconv.Itoa(p.l.limit)+" worker_connections are not enough")
	if lease != nil {
		lease.Release()
	}
	if c := p.l.env.Status; c != nil {
		c.Connections.Drop(p.l.env.Loop)
	}
}

// shared returns a pointer to the local address that sessions of the listener share, because most
// are equal.
func (p *listener) shared(a netip.AddrPort) *stream.Addr {
	if p.local == nil || p.local.IP != a {
		p.local = &stream.Addr{IP: a, UDP: true}
	}
	return p.local
}
