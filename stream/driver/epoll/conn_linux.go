package epoll

import (
	"errors"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/internal/poll"
)

// conn is a session with its two sockets. Its step determines the events it waits for; see
// DESIGN.md.
type conn struct {
	s         *stream.Session
	l         *loop
	client    half
	up        half
	timer     relay.Timer[*conn] // the step's deadline; in a relay, the idle timeout
	active    int64              // time of the last read or write of a relay, by the loop's stamp
	spec      *relay.Spec        // set in a relay
	setup     *setup             // set in any step other than a relay; nil in a relay
	serial    uint32
	index     uint32
	unwatched uint16 // errno of a socket that could not be watched in the step that begins; 0 without error
	born      uint16 // the second in which it began, by the loop's clock
	step      uint8  // stream.StepKind
}

// setup is the state that a conn needs until it relays.
type setup struct {
	out []byte // of a connect: data to write first; of a send: unsent data
	max int    // of a read: bytes to read; of another step: bytes to read ahead
	// waited: a step has waited for something other than the client. ended: the session knows that
	// the client's input has ended.
	waited, ended bool
	reads         bool          // the client is read while the session waits for something else
	ahead         []byte        // data read in that way, to be written after out
	missed        []*poll.Abort // aborts that came while a worker had the handshake
	lookup        poll.Lookup
}

// half is one side of a connection: its socket, and the data that waits to be written to it.
type half struct {
	c       *conn
	pending *backlog // data to write to fd; nil if empty
	pipe    *pipe    // splice: data in transit from fd to the other side
	pace    *pace    // rate limit for reads from fd; nil means unlimited
	tls     *tlsConn // nil without TLS
	fd      int32    // -1 without a socket
	grown   uint8    // how far the reads from fd have grown, and how many in a row were full
	watched bool     // in the epoll set
	ready   bool     // there may be data to read
	hungUp  bool     // the end, an error, or urgent data, where reads stop, is pending: only EAGAIN means that no more data is there
	eof     bool     // the end was read
	done    bool     // the end was passed on
	queued  bool     // in the loop's list of sides to continue
	full    bool     // fd accepts no more at present, and data for it stays in its source
	isUp    bool
	local   bool // a unix socket
	noDelay bool // TCP_NODELAY is on
	delays  bool // turn on TCP_NODELAY before the next write
}

func (l *loop) newConn(fd int32) *conn {
	c := &conn{l: l, setup: l.getSetup(), born: uint16(l.second())}
	c.client = half{c: c, fd: fd}
	c.up = half{c: c, fd: -1, isUp: true}
	c.timer.Owner = c
	c.index, c.serial = l.conns.Add(c)
	return c
}

// doing returns the kind of the current step.
func (c *conn) doing() stream.StepKind { return stream.StepKind(c.step) }

func (c *conn) side(n int32) *half {
	if n == 0 {
		return &c.client
	}
	return &c.up
}

func (h *half) other() *half {
	if h.isUp {
		return &h.c.client
	}
	return &h.c.up
}

func (h *half) streamSide() stream.Side {
	if h.isUp {
		return stream.UpstreamSide
	}
	return stream.ClientSide
}

// watch adds the side's socket to the epoll set once, for all events, edge-triggered. The kernel
// reports conditions that exist already. watch is called at the beginning of a step, which fails if
// watch fails.
func (h *half) watch() {
	if h.watched {
		return
	}
	h.watched = true
	ev := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLPRI | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff,
		Fd:     int32(h.c.index << 1), Pad: int32(h.c.serial),
	}
	if h.isUp {
		ev.Fd |= 1
	}
	if e := poll.EpollAdd(h.c.l.set.FD, h.fd, &ev); e != 0 {
		h.watched, h.c.unwatched = false, uint16(e)
	}
}

// setNoDelay turns TCP_NODELAY on or off. Usually it has the wanted value already.
func (h *half) setNoDelay(on bool) {
	if h.noDelay == on || h.local {
		return
	}
	h.noDelay = on
	value := int32(0)
	if on {
		value = 1
	}
	poll.SetInt(h.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, value)
}

// do runs steps until one has to wait.
func (c *conn) do(step stream.Step) {
	for {
		if step = c.unlessGone(step); step.Do == stream.Keep {
			return
		}
		c.step = uint8(step.Do)
		ev, ok := c.begin(step)
		if !ok {
			ev, ok = c.watchFailure()
		}
		if !ok && c.isLate(step) {
			ev, ok = stream.Event{Kind: stream.TimedOut}, true
		}
		if !ok {
			c.setDeadline(step)
			return
		}
		step = c.s.Advance(ev)
	}
}

// isLate reports whether the deadline of a waiting step has passed already. That of a zero timeout
// has.
func (c *conn) isLate(step stream.Step) bool {
	return !step.Deadline.IsZero() && !step.Deadline.After(c.l.now) && step.Do != stream.Relay && !c.away()
}

// setDeadline starts the timer of a step that waits. A relay has its own timeout.
func (c *conn) setDeadline(step stream.Step) {
	switch {
	case step.Do == stream.Relay:
	case step.Deadline.IsZero():
		c.l.wheel.Remove(&c.timer)
	default:
		c.l.wheel.Set(&c.timer, step.Deadline)
	}
}

// begin starts a step, and returns the event that ends it if there is one at once.
func (c *conn) begin(step stream.Step) (stream.Event, bool) {
	switch step.Do {
	case stream.Read:
		c.setup.max = min(step.Max, len(c.l.buf))
		return c.readClient()
	case stream.Connect:
		c.client.setNoDelay(c.s.Server.Settings.NoDelay)
		return c.connect(step)
	case stream.Resolve:
		c.client.setNoDelay(c.s.Server.Settings.NoDelay)
		c.watchClient(step.Max)
		c.resolve(step.Lookup)
	case stream.Pause:
		c.dropUpstream()
		c.watchClient(step.Max)
	case stream.Relay:
		return c.startRelay(step.Relay)
	case stream.Send:
		return c.startSend(step.Out)
	case stream.Finish:
		if step.Reset {
			resetOnClose(c.client.fd)
		}
		c.close()
	case stream.HandshakeClient, stream.HandshakeUpstream:
		return c.startHandshake(step)
	}
	return stream.Event{}, false
}

// event handles the epoll events of the side.
func (h *half) event(events uint32) {
	if events&(unix.EPOLLPRI|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		h.hungUp = true
	}
	if events&^unix.EPOLLOUT != 0 {
		h.ready = true
	}
	c := h.c
	if h.tls.holds() && c.doing() != stream.Relay && !c.away() && events&unix.EPOLLOUT != 0 {
		c.flushSide(h)
	}
	switch {
	case c.doing() == stream.Relay:
		c.relayEvent(h, events&(unix.EPOLLOUT|unix.EPOLLERR) != 0)
	case c.doing() == stream.HandshakeClient || c.doing() == stream.HandshakeUpstream:
		c.handshakeEvent(h)
	case h.isUp:
		c.upEvent(events)
	case c.doing() == stream.Read:
		c.advanceIf(c.readClient())
	case c.doing() == stream.Send:
		c.advanceIf(c.sendClient())
	default:
		c.awayEvent(events)
	}
}

func (c *conn) upEvent(events uint32) {
	if c.doing() == stream.Connect && events&(unix.EPOLLOUT|unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		c.advanceIf(c.connected())
	}
}

func (c *conn) advanceIf(ev stream.Event, ok bool) {
	if ok {
		c.do(c.s.Advance(ev))
	}
}

// expired handles the expiry of the conn's timer.
func (c *conn) expired() {
	if c.doing() == stream.Relay {
		c.checkIdle()
		return
	}
	if c.away() {
		c.handshaking().late = true
		return
	}
	c.do(c.s.Advance(stream.Event{Kind: stream.TimedOut}))
}

// readClient reads for the session. The session may use the data only during the call.
func (c *conn) readClient() (stream.Event, bool) {
	h := &c.client
	n, err := h.receive(c.l.buf[:c.setup.max])
	switch {
	case errors.Is(err, unix.EAGAIN):
		h.ready = false
		h.watch()
		return stream.Event{}, false
	case err != nil:
		return stream.Event{Kind: stream.Failed, Side: stream.ClientSide, Op: stream.OpRecv, Err: err}, true
	case n == 0:
		return stream.Event{Kind: stream.EOF}, true
	}
	return stream.Event{Kind: stream.Bytes, Data: c.l.buf[:n]}, true
}

// receive reads from the side, decrypted if it uses TLS. Without data it returns EAGAIN.
func (h *half) receive(b []byte) (int, error) {
	if h.tls != nil {
		return h.tls.read(b)
	}
	n, e := read(h.fd, b)
	if e != 0 {
		return 0, e
	}
	return n, nil
}

// startSend begins to write out to the client. After a relay it writes nothing if data waits for the client.
func (c *conn) startSend(out []byte) (stream.Event, bool) {
	if c.setup == nil {
		c.setup = c.l.getSetup()
		if c.client.blocked() {
			return stream.Event{Kind: stream.Relayed}, true
		}
	}
	c.client.setNoDelay(c.s.Server.Settings.NoDelay)
	c.setup.out = out
	return c.sendClient()
}

// sendClient writes the session's data to the client.
func (c *conn) sendClient() (stream.Event, bool) {
	if c.client.tls != nil {
		return c.sendEncrypted()
	}
	for len(c.setup.out) > 0 {
		n, e := write(c.client.fd, c.setup.out)
		if e == unix.EAGAIN {
			c.client.watch()
			return stream.Event{}, false
		}
		if e != 0 {
			c.fail(&c.client, stream.OpSend, e)
			break
		}
		c.s.CountToClient(n)
		c.setup.out = c.setup.out[n:]
	}
	return stream.Event{Kind: stream.Relayed}, true
}

// fail reports an error to the session, which logs it and continues.
func (c *conn) fail(h *half, op stream.Op, err error) {
	c.s.Advance(stream.Event{Kind: stream.Failed, Side: h.streamSide(), Op: op, Err: err})
}

// close ends the conn and releases its sockets, its timers and its index in the loop.
func (c *conn) close() {
	l := c.l
	l.wheel.Remove(&c.timer)
	c.endSetup()
	for _, h := range [...]*half{&c.client, &c.up} {
		h.close()
	}
	l.conns.Remove(c.index)
	l.load.sessions.Add(-1)
	l.churn.ended(l.second(), c.born)
	l.SessionEnded()
}

// close releases the resources of the side.
func (h *half) close() {
	if h.fd < 0 {
		return
	}
	if h.tls != nil {
		h.tls.close()
		h.tls = nil
	}
	h.skipTimeWait()
	closeFD(h.fd)
	h.c.l.load.connections.Add(-1)
	h.fd, h.watched = -1, false
	h.dropPipe()
	h.dropPending()
	if h.pace != nil {
		h.c.l.pauses.Remove(&h.pace.timer)
	}
}

// endSetup releases the state that only the steps before the relay need.
func (c *conn) endSetup() {
	if c.setup == nil {
		return
	}
	c.setup.lookup.End()
	if len(c.l.setups) < pooledSetups {
		*c.setup = setup{}
		c.l.setups = append(c.l.setups, c.setup)
	}
	c.setup = nil
}

// pooledSetups is how many setups a loop keeps for later connections.
const pooledSetups = 256

func (l *loop) getSetup() *setup {
	n := len(l.setups)
	if n == 0 {
		return new(setup)
	}
	s := l.setups[n-1]
	l.setups = l.setups[:n-1]
	return s
}
