package epoll

import (
	"slices"

	"golang.org/x/sys/unix"

	"weir/stream"
	"weir/stream/driver/internal/poll"
)

// connect begins an attempt to reach the step's target.
func (c *conn) connect(step stream.Step) (stream.Event, bool) {
	c.dropUpstream()
	c.setup.out = step.Out
	var to poll.Sockaddr
	to.Set(step.Target.Addr)
	fd, e := poll.Socket(to.Family(), unix.SOCK_STREAM)
	if e != 0 {
		return poll.UpstreamFailed(stream.OpSocket, e), true
	}
	c.up.fd, c.up.local = fd, step.Target.Addr.Unix
	c.up.delays = step.Target.NoDelay && !c.up.local
	c.l.load.connections.Add(1)
	deferPort(fd, &step.Target.Local)
	if op, e := poll.Prepare(fd, step.Target); e != 0 {
		return poll.UpstreamFailed(op, e), true
	}
	switch e := poll.Connect(fd, &to); e {
	case 0:
		return c.connected()
	case unix.EINPROGRESS:
		c.up.watch()
		c.watchClient(step.Max)
		return stream.Event{}, false
	default:
		c.l.notePorts(e)
		return poll.UpstreamFailed(stream.OpConnect, e), true
	}
}

// dropUpstream closes the connection of an earlier attempt.
func (c *conn) dropUpstream() {
	c.up.close()
	c.up = half{c: c, fd: -1, isUp: true}
}

// deferPort makes the kernel choose the port of a local address without one when the socket
// connects, so that connections to different servers can share it.
func deferPort(fd int32, local *stream.Addr) {
	if local.IsValid() && !local.Unix && local.IP.Port() == 0 {
		poll.SetInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	}
}

// connected finds out how the attempt ended by writing the first data. TCP never delays a first
// write, and many sessions have no second one to their server, so TCP_NODELAY is set later.
func (c *conn) connected() (stream.Event, bool) {
	n, e, out := 0, unix.Errno(0), c.setup.out
	if len(c.setup.ahead) > 0 {
		out = slices.Concat(out, c.setup.ahead)
	}
	if len(out) > 0 {
		n, e = write(c.up.fd, out)
	} else {
		e = socketError(c.up.fd)
	}
	switch e {
	case 0:
	case unix.EAGAIN:
		if e := socketError(c.up.fd); e != 0 {
			return poll.UpstreamFailed(stream.OpConnect, e), true
		}
		n = 0
	default:
		return poll.UpstreamFailed(stream.OpConnect, e), true
	}
	c.s.CountToUpstream(nil, n)
	if rest := out[n:]; len(rest) > 0 {
		c.up.keep(rest)
	}
	c.setup.out, c.setup.ahead = nil, nil
	ev := stream.Event{Kind: stream.Connected}
	if c.s.LogEnabled(stream.LevelInfo) {
		ev.Local = poll.LocalAddr(c.up.fd)
	}
	return ev, true
}
