package udp

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/internal/poll"
)

// conn is a session with its socket to the server. Its step determines the events it waits for.
type conn struct {
	s       *stream.Session
	l       *loop
	p       *listener
	key     string     // in the listener's table; begins with the client's address in the kernel's format
	local   netip.Addr // address the client has sent to, on a wildcard; otherwise zero
	spec    *relay.Spec
	packets relay.Packets
	timer   relay.Timer[*conn] // proxy_timeout
	active  time.Duration      // time of the relay's last datagram, since the loop's start

	toServer, toClient queue
	early              queue // datagrams received before the server was known
	earlyRoom          int   // for datagrams in early, in bytes
	lookup             poll.Lookup
	upload, download   *pace  // nil means unlimited
	retry              *retry // timer until a full socket is tried again; nil if no socket was ever full

	fd       int32 // to the server; -1 without a socket
	index    uint32
	serial   uint32
	nameLen  uint8      // of the client's address in key
	step     uint8      // stream.StepKind
	refused  unix.Errno // error of sending the first datagram
	ready    bool       // there may be data to read from the server
	answered bool       // the server has sent a datagram
	queued   bool       // in the loop's list of conns to continue
	closed   bool
}

func (l *loop) newConn(p *listener, key string, nameLen int, local netip.Addr) *conn {
	c := &conn{l: l, p: p, key: key, nameLen: uint8(nameLen), local: local, fd: -1}
	c.packets.Requests = 1
	c.timer.Owner = c
	c.index, c.serial = l.conns.Add(c)
	l.sessions.Add(1)
	return c
}

// relaying reports whether the session is in its relay and has not ended.
func (c *conn) relaying() bool { return stream.StepKind(c.step) == stream.Relay && !c.closed }

// do runs steps until one has to wait.
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

// begin starts a step, and returns the event that ends it if there is one at once. For datagrams
// only a relay, and a lookup of a name, wait.
func (c *conn) begin(step stream.Step) (stream.Event, bool) {
	switch step.Do {
	case stream.Read:
		return stream.Event{Kind: stream.EOF}, true // all data is in Head
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

// connect makes the socket to the step's target, and sends the first datagram. The result of the
// send is reported when the relay starts, because nginx does not send before that.
func (c *conn) connect(step stream.Step) stream.Event {
	c.dropServer()
	var to poll.Sockaddr
	to.Set(step.Target.Addr)
	fd, e := poll.Socket(to.Family(), unix.SOCK_DGRAM)
	if e != 0 {
		return poll.UpstreamFailed(stream.OpSocket, e)
	}
	c.fd = fd
	c.l.sockets.Add(1)
	c.l.env.Descriptors.Reserved(int(fd))
	if op, e := poll.Prepare(fd, step.Target); e != 0 {
		return poll.UpstreamFailed(op, e)
	}
	if e := poll.Connect(fd, &to); e != 0 {
		return poll.UpstreamFailed(stream.OpConnect, e)
	}
	if e := c.l.watch(fd, unix.EPOLLIN|unix.EPOLLET&0xffffffff, int32(c.index), int32(c.serial)); e != 0 {
		return poll.UpstreamFailed(stream.OpWatch, e)
	}
	ev := stream.Event{Kind: stream.Connected}
	if c.s.LogEnabled(stream.LevelInfo) {
		ev.Local = poll.LocalAddr(fd)
	}
	c.refused = c.write(step.Out)
	return ev
}

// dropServer closes the socket of an earlier attempt. As in nginx, datagrams queued for it are
// lost.
func (c *conn) dropServer() {
	if c.fd < 0 {
		return
	}
	unix.Close(int(c.fd))
	c.fd = -1
	c.l.sockets.Add(-1)
	c.toServer, c.early = queue{}, queue{}
}

// reply sends one datagram to the client. If the socket is full, the datagram is lost.
func (c *conn) reply(data []byte) stream.Event {
	n := c.l.out.load(data)
	c.sendClient(n)
	return c.relayed(c.s.Traffic.End)
}

// relayed returns the event Relayed.
func (c *conn) relayed(end relay.End) stream.Event {
	c.s.Traffic.End = end
	return stream.Event{Kind: stream.Relayed, Packets: &c.packets}
}

// fail reports an error to the session, which logs it and continues.
func (c *conn) fail(side stream.Side, op stream.Op, e unix.Errno) {
	c.s.Advance(stream.Event{Kind: stream.Failed, Side: side, Op: op, Err: e})
}

// removeFromTable removes the session from the table, so that the client's next datagram begins another
// session.
func (c *conn) removeFromTable() {
	if c.p.table[c.key] == c {
		delete(c.p.table, c.key)
	}
}

// close ends the conn and releases its socket, its timers, its index in the loop and its key in the
// listener's table.
func (c *conn) close() {
	c.closed = true
	c.removeFromTable()
	c.dropServer()
	c.endLookup()
	c.stopPauses()
	c.l.conns.Remove(c.index)
	c.l.sessions.Add(-1)
	c.l.SessionEnded()
}
