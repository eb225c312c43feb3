package udp

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
)

// conn is a session with its socket to the server. Its step says what it waits for.
type conn struct {
	s       *stream.Session
	l       *loop
	p       *listener
	key     string     // in the port's table; it begins with the client's address as the kernel takes it
	local   netip.Addr // that the client has asked, on a wildcard; zero elsewhere
	spec    *relay.Spec
	packets relay.Packets
	timer   relay.Timer[*conn] // proxy_timeout
	active  time.Duration      // when the relay last carried something, from when the loop began

	toServer, toClient queue
	early              queue // came before the server was known
	lookup             lookup
	upload, download   *pace  // nil: no limit
	retry              *retry // until a socket that was full is tried again; nil: none ever was

	fd      int // to the server; -1: none
	index   int32
	serial  int32
	nameLen uint8      // of key, the client's address
	step    uint8      // stream.Action
	refused unix.Errno // why the first datagram could not be sent
	ready   bool       // there may be something to read from the server
	heard   bool       // the server has said something
	queued  bool       // in the loop's list of those to go on with
	closed  bool
}

func (l *loop) newConn(p *listener, key string, nameLen int, local netip.Addr) *conn {
	l.serial++
	c := &conn{l: l, p: p, key: key, nameLen: uint8(nameLen), local: local, fd: -1, serial: l.serial}
	c.packets.Requests = 1
	c.timer.Owner = c
	if n := len(l.free); n > 0 {
		c.index = l.free[n-1]
		l.free = l.free[:n-1]
		l.conns[c.index] = c
	} else {
		c.index = int32(len(l.conns))
		l.conns = append(l.conns, c)
	}
	l.sessions.Add(1)
	return c
}

// relaying reports whether the session has come to its relay, and not to its end.
func (c *conn) relaying() bool { return stream.StepKind(c.step) == stream.Relay && !c.closed }

// do takes steps until one has to wait.
func (c *conn) do(step stream.Step) {
	for step.Do != stream.Keep {
		c.step = uint8(step.Do)
		ev, ok := c.begin(step)
		if !ok {
			return
		}
		step = c.s.Advance(ev)
	}
}

// begin starts a step, and returns the event that ends it if that is there at once. Of datagrams only a relay waits, and who looks up
// a name.
func (c *conn) begin(step stream.Step) (stream.Event, bool) {
	switch step.Do {
	case stream.Read:
		return stream.Event{Kind: stream.EOF}, true // all there was is in Head
	case stream.Resolve:
		c.resolve(step)
	case stream.Connect:
		return c.connect(step), true
	case stream.Relay:
		return c.startRelay(step.Relay)
	case stream.Send:
		return c.reply(step.Out), true
	case stream.Finish:
		c.close()
	}
	return stream.Event{}, false
}

// connect makes the socket to the step's target, and sends the first datagram. What becomes of that is told when the relay starts: up
// to there nginx has not tried.
func (c *conn) connect(step stream.Step) stream.Event {
	c.dropServer()
	to, family := sockaddr(step.Target.Addr)
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return upFailed(stream.OpSocket, err)
	}
	c.fd = fd
	c.l.sockets.Add(1)
	c.l.env.Descriptors.Reserved(fd)
	if err := letBindAnywhere(fd, step.Target); err != nil {
		return upFailed(stream.OpTransparent, err)
	}
	if err := prepare(fd, step.Target); err != nil {
		return upFailed(stream.OpBind, err)
	}
	if err := unix.Connect(fd, to); err != nil {
		return upFailed(stream.OpConnect, err)
	}
	if err := c.l.watch(fd, unix.EPOLLIN|unix.EPOLLET&0xffffffff, c.index, c.serial); err != nil {
		return upFailed(stream.OpWatch, err)
	}
	ev := stream.Event{Kind: stream.Connected}
	if c.s.LogEnabled(stream.LevelInfo) {
		ev.Local = boundTo(fd)
	}
	c.refused = c.write(step.Out)
	return ev
}

// dropServer closes the socket of an earlier attempt. As with nginx what was queued for it is lost.
func (c *conn) dropServer() {
	if c.fd < 0 {
		return
	}
	unix.Close(c.fd)
	c.fd = -1
	c.l.sockets.Add(-1)
	c.toServer, c.early = queue{}, queue{}
}

// prepare sets the socket's options and binds it. An option that the kernel refuses is left; an address that it refuses is not.
func prepare(fd int, t *stream.Target) error {
	if t.KeepAlive {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	}
	if t.RcvBuf > 0 {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, t.RcvBuf)
	}
	if t.SndBuf > 0 {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, t.SndBuf)
	}
	if !t.Local.IsValid() {
		return nil
	}
	local, _ := sockaddr(t.Local)
	return unix.Bind(fd, local)
}

// letBindAnywhere lets the socket be bound to an address that is not this machine's, if that is wanted. The kernel refuses it to who has
// neither CAP_NET_RAW nor CAP_NET_ADMIN.
func letBindAnywhere(fd int, t *stream.Target) error {
	switch {
	case !t.Transparent || !t.Local.IsValid():
		return nil
	case t.Local.IP.Addr().Is4():
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TRANSPARENT, 1)
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TRANSPARENT, 1)
}

func upFailed(op stream.Op, err error) stream.Event {
	return stream.Event{Kind: stream.Failed, Side: stream.UpstreamSide, Op: op, Err: err}
}

// reply sends one datagram to the client. When the socket is full it is lost, as any datagram may be.
func (c *conn) reply(data []byte) stream.Event {
	n := c.l.out.load(data)
	c.sendClient(n)
	return c.relayed(c.s.Traffic.End)
}

// relayed is the event of that name.
func (c *conn) relayed(end relay.End) stream.Event {
	c.s.Traffic.End = end
	return stream.Event{Kind: stream.Relayed, Packets: &c.packets}
}

// fail tells the session of an error that it logs and that changes nothing else.
func (c *conn) fail(side stream.Side, op stream.Op, e unix.Errno) {
	c.s.Advance(stream.Event{Kind: stream.Failed, Side: side, Op: op, Err: e})
}

// unlist lets the client's next datagram begin another session.
func (c *conn) unlist() {
	if c.p.table[c.key] == c {
		delete(c.p.table, c.key)
	}
}

// close ends the conn: its socket, its timers, its places in the loop and in the port's table.
func (c *conn) close() {
	c.closed = true
	c.unlist()
	c.dropServer()
	c.endLookup()
	c.stopPauses()
	c.l.conns[c.index] = nil
	c.l.free = append(c.l.free, c.index)
	c.l.sessions.Add(-1)
}
