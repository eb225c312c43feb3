package epoll

import (
	"slices"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// connect begins an attempt to reach the step's target.
func (c *conn) connect(step stream.Step) (stream.Event, bool) {
	c.dropUpstream()
	c.setup.out = step.Out
	var to sockaddr
	to.set(step.Target.Addr)
	fd, e := socket(to.family)
	if e != 0 {
		return upFailed(stream.OpSocket, e), true
	}
	c.up.fd, c.up.local = fd, step.Target.Addr.Unix
	c.up.delays = step.Target.NoDelay && !c.up.local
	c.l.load.connections.Add(1)
	if e := setTransparent(fd, step.Target); e != 0 {
		return upFailed(stream.OpTransparent, e), true
	}
	if e := prepare(fd, step.Target); e != 0 {
		return upFailed(stream.OpBind, e), true
	}
	switch e := connect(fd, &to); e {
	case 0:
		return c.connected()
	case unix.EINPROGRESS:
		c.up.watch()
		c.watchClient(step.Max)
		return stream.Event{}, false
	default:
		c.l.notePorts(e)
		return upFailed(stream.OpConnect, e), true
	}
}

func upFailed(op stream.Op, e unix.Errno) stream.Event {
	return stream.Event{Kind: stream.Failed, Side: stream.UpstreamSide, Op: op, Err: e}
}

// dropUpstream closes the connection of an earlier attempt.
func (c *conn) dropUpstream() {
	c.up.close()
	c.up = half{c: c, fd: -1, isUp: true}
}

// prepare sets the socket's options and binds it. It ignores an option that the kernel refuses, but
// not an address.
func prepare(fd int32, t *stream.Target) unix.Errno {
	if t.KeepAlive {
		setInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	}
	if t.RcvBuf > 0 {
		setInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, int32(t.RcvBuf))
	}
	if t.SndBuf > 0 {
		setInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, int32(t.SndBuf))
	}
	if !t.Local.IsValid() {
		return 0
	}
	if !t.Local.Unix && t.Local.IP.Port() == 0 {
		setInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	}
	var local sockaddr
	local.set(t.Local)
	return bind(fd, &local)
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
			return upFailed(stream.OpConnect, e), true
		}
		n = 0
	default:
		return upFailed(stream.OpConnect, e), true
	}
	c.s.Traffic.ToUpstream.Add(int64(n))
	if rest := out[n:]; len(rest) > 0 {
		c.up.keep(rest)
	}
	c.setup.out, c.setup.ahead = nil, nil
	ev := stream.Event{Kind: stream.Connected}
	if c.s.LogEnabled(stream.LevelInfo) {
		ev.Local = localAddr(c.up.fd)
	}
	return ev, true
}
