package healthcheck

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"weir/internal/errorlog"
	"weir/internal/tlsconf"
	"weir/internal/tlserror"
	"weir/stream"
)

const (
	// maxRead is the maximum number of bytes of one read.
	maxRead = 4096
	// readPause is the time between two reads of a goroutine, so that a response in many pieces is
	// not judged after each of them.
	readPause = 10 * time.Millisecond
)

// run runs the exchange in a goroutine, until ctx ends at the latest.
func (x *exchange) run(ctx context.Context) {
	conn, ok := x.connect(ctx)
	if !ok {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	out := x.check.Protocol.appendHeader(nil, localAddr(conn), x.addr)
	request := x.check.Probe.Request(x.addr)
	if x.check.TLS == nil {
		x.converse(conn, append(out, request...))
		return
	}
	if _, err := conn.Write(out); len(out) > 0 && err != nil {
		x.outcome = broken(sending, "send() failed", err)
		return
	}
	if secured, ok := x.handshake(ctx, conn); ok {
		x.converse(secured, request)
		secured.Close()
	}
}

// connect opens the connection.
func (x *exchange) connect(ctx context.Context) (net.Conn, bool) {
	target := &x.check.Target
	d := net.Dialer{KeepAlive: -1, Control: func(_, _ string, raw syscall.RawConn) error { return setTransparent(raw, target) }}
	if local := target.Local; local.IsValid() {
		d.LocalAddr = &net.TCPAddr{IP: local.IP.Addr().AsSlice(), Port: int(local.IP.Port())}
		if x.addr.UDP {
			d.LocalAddr = &net.UDPAddr{IP: local.IP.Addr().AsSlice(), Port: int(local.IP.Port())}
		}
	}
	if x.addr.Unix {
		d.LocalAddr = nil
	}
	address := x.addr.String()
	if x.addr.Unix {
		address = x.addr.Path
	}
	conn, err := d.DialContext(ctx, x.addr.Network(), address)
	if err == nil {
		return conn, true
	}
	x.outcome = x.dialFailed(err)
	return nil, false
}

// dialFailed returns the outcome of a failed Dial. Only connect reports a failure of the server.
func (x *exchange) dialFailed(err error) outcome {
	var call *os.SyscallError
	switch {
	case errors.As(err, &call) && call.Syscall != "connect":
		return skipped(call.Syscall+"() failed", call.Err)
	case call != nil:
		return x.connectFailed(call.Err, false)
	}
	return timeout(connecting)
}

// localAddr returns the local address of a connection.
func localAddr(conn net.Conn) stream.Addr {
	switch a := conn.LocalAddr().(type) {
	case *net.TCPAddr:
		return stream.Addr{IP: a.AddrPort()}
	case *net.UDPAddr:
		return stream.Addr{IP: a.AddrPort(), UDP: true}
	}
	return stream.UnixAddr("")
}

// handshake does the TLS handshake and verifies the server. It follows
// ngx_stream_proxy_ssl_handshake.
func (x *exchange) handshake(ctx context.Context, conn net.Conn) (*tls.Conn, bool) {
	settings := x.check.TLS
	secured := tls.Client(conn, settings.config(x.peer))
	if err := secured.HandshakeContext(ctx); err != nil {
		x.outcome = x.handshakeFailed(err)
		return nil, false
	}
	if settings.Verifier == nil {
		return secured, true
	}
	if err := tlsconf.CheckUpstream(secured.ConnectionState(), settings.Verifier, settings.Name); err != nil {
		x.outcome = failure(handshaking, err.Error(), nil)
		return nil, false
	}
	return secured, true
}

// handshakeFailed follows the end of ngx_ssl_handshake.
func (x *exchange) handshakeFailed(err error) outcome {
	var errno syscall.Errno
	switch {
	case isTimeout(err):
		return timeout(handshaking)
	case errors.As(err, &errno):
		return failure(handshaking, "peer closed connection in SSL handshake", errno)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return failure(handshaking, "peer closed connection in SSL handshake", nil)
	}
	text, isCritical := tlserror.OpenSSL(err)
	o := failure(handshaking, "SSL_do_handshake() failed", errors.New("SSL: "+text))
	if isCritical {
		o.level = errorlog.Crit
	}
	return o
}

// converse sends the request and judges the response.
func (x *exchange) converse(conn net.Conn, out []byte) {
	if len(out) > 0 {
		if _, err := conn.Write(out); err != nil {
			x.outcome = broken(sending, "send() failed", err)
			return
		}
	}
	if !x.judge(nil, Open) {
		x.read(conn)
	}
	if b := x.check.Probe.Farewell(); b != nil && x.outcome.verdict == Passed {
		conn.Write(b)
	}
}

// read reads the response until there is a verdict.
func (x *exchange) read(conn net.Conn) {
	var response []byte
	piece := make([]byte, min(x.check.limit(), maxRead))
	for {
		n, err := conn.Read(piece[:min(x.check.limit()-len(response), len(piece))])
		response = append(response, piece[:n]...)
		end := Open
		switch {
		case errors.Is(err, io.EOF):
			end = Closed
		case err != nil && isTimeout(err):
			end = Expired
		case err != nil:
			x.outcome = broken(reading, "recv() failed", err)
			return
		}
		if x.judge(response, end) {
			return
		}
		time.Sleep(readPause)
	}
}

// broken returns the outcome of a failed call on an open connection.
func broken(during, message string, err error) outcome {
	var errno syscall.Errno
	switch {
	case isTimeout(err):
		return timeout(during)
	case errors.As(err, &errno):
		return failure(during, message, errno)
	}
	return failure(during, message, err)
}

func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}
