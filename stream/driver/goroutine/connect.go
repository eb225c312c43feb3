package goroutine

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"weir/stream"
)

// connect makes the upstream connection and writes the first data once.
func (c *session) connect(step stream.Step) stream.Event {
	ctx, cancel := c.dialContext(step.Deadline)
	defer c.dialed(cancel)
	unwatch := c.watchClient(step.Max, cancel)
	sock, err := c.dial(ctx, step.Target)
	unwatch()
	if err == nil {
		c.setUpstream(newConn(sock))
	}
	switch {
	case c.nextStep.Do != stream.Keep:
		return noEvent
	case err != nil:
		return c.notConnected(ctx, err)
	}
	c.offer(step.Out)
	return stream.Event{Kind: stream.Connected, Local: addrOf(sock.LocalAddr())}
}

// dial calls the function dial, unless the session is woken.
func (c *session) dial(ctx context.Context, t *stream.Target) (socket, error) {
	if c.woken() {
		return nil, context.Canceled
	}
	return dial(ctx, t)
}

// dialContext returns a context that ends with the deadline, or when the session is woken.
func (c *session) dialContext(deadline time.Time) (context.Context, context.CancelFunc) {
	ctx, cancel := context.Background(), context.CancelFunc(nil)
	if deadline.IsZero() {
		ctx, cancel = context.WithCancel(ctx)
	} else {
		ctx, cancel = context.WithDeadline(ctx, c.real(deadline))
	}
	c.mu.Lock()
	c.cancel = cancel
	c.mu.Unlock()
	return ctx, cancel
}

func (c *session) dialed(cancel context.CancelFunc) {
	cancel()
	c.mu.Lock()
	c.cancel = nil
	c.mu.Unlock()
}

// notConnected converts an error of dial into an event. An error of the system takes precedence
// over the deadline.
func (c *session) notConnected(ctx context.Context, err error) stream.Event {
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		return stream.Event{Kind: stream.Failed, Side: stream.UpstreamSide, Op: opOf(call.Syscall), Err: call.Err}
	}
	if c.woken() {
		return noEvent
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return stream.Event{Kind: stream.TimedOut}
	}
	return stream.Event{Kind: stream.Failed, Side: stream.UpstreamSide, Op: stream.OpConnect, Err: err}
}

// opOf returns the operation to blame for a failed system call: an option that cannot be set is a
// local error, as one of socket() is.
func opOf(call string) stream.Op {
	switch call {
	case "bind":
		return stream.OpBind
	case transparentCall:
		return stream.OpTransparent
	case "connect", "getsockopt", "getpeername":
		return stream.OpConnect
	}
	return stream.OpSocket
}

// offer writes out, and the data read ahead, once, without waiting. The relay handles the rest and
// an error.
func (c *session) offer(out []byte) {
	c.rest, c.restErr = nil, nil
	if len(c.ahead) > 0 {
		out, c.ahead = slices.Concat(out, c.ahead), nil
	}
	if len(out) == 0 {
		return
	}
	n := 0
	err := c.upstream.raw.Write(func(fd uintptr) bool {
		n, c.restErr = c.upstream.write(fd, out)
		return true
	})
	if err != nil || errors.Is(c.restErr, syscall.EAGAIN) {
		c.restErr = nil // woken, or no room: the relay tries again
	}
	c.s.CountToUpstream(nil, n)
	if n < len(out) {
		c.rest = bytes.Clone(out[n:])
	}
}

// dial connects as ngx_event_connect_peer does. Without a local address the Dialer must have none
// either: a zero address would be bound, and would take a port exclusively.
func dial(ctx context.Context, t *stream.Target) (socket, error) {
	d := net.Dialer{KeepAlive: -1, Control: control(t)}
	if t.Local.IP.IsValid() && !t.Addr.Unix {
		d.LocalAddr = net.TCPAddrFromAddrPort(t.Local.IP)
	}
	made, err := d.DialContext(ctx, t.Addr.Network(), dialString(t.Addr))
	if err != nil {
		return nil, err
	}
	sock := made.(socket)
	if !t.NoDelay {
		setDelay(sock)
	}
	return sock, nil
}

// dialString returns the address in the format of package net.
func dialString(a stream.Addr) string {
	if a.Unix {
		return a.Path
	}
	return a.IP.String()
}

// control sets the options that must precede the connection.
func control(t *stream.Target) func(network, address string, raw syscall.RawConn) error {
	return func(_, _ string, raw syscall.RawConn) error {
		var failure error
		err := raw.Control(func(fd uintptr) { failure = setOptions(int(fd), t) })
		return errors.Join(failure, err)
	}
}

func setOptions(fd int, t *stream.Target) error {
	for _, o := range []struct{ name, value int }{
		{syscall.SO_KEEPALIVE, boolInt(t.KeepAlive)}, {syscall.SO_RCVBUF, t.RcvBuf}, {syscall.SO_SNDBUF, t.SndBuf},
	} {
		if o.value == 0 {
			continue
		}
		if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, o.name, o.value); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if !t.Local.IP.IsValid() {
		return nil
	}
	if t.Local.IP.Port() == 0 {
		bindWithoutPort(fd)
	}
	if t.Transparent {
		return os.NewSyscallError(transparentCall, setTransparent(fd, t.Local.IP.Addr().Is4()))
	}
	return nil
}

// transparentCall is the name that setOptions gives to the call that lets a socket bind to an
// address of another machine.
const transparentCall = "setsockopt(IP_TRANSPARENT)"

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
