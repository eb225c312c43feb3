package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

// maxDatagram is the longest answer accepted in a datagram, as NGX_RESOLVER_UDP_SIZE.
const maxDatagram = 4096

// A link is the socket to one server. The goroutine that reads from it ends with the exchange, or when the server cannot be reached.
type link struct {
	run     *run
	socket  *net.UDPConn
	server  netip.AddrPort
	attempt atomic.Int64 // the last attempt that asked the server
	broken  atomic.Bool
	streams map[*asking]int64 // the last attempt whose answer was truncated; owned by the reading goroutine
}

// ask sends the open questions to server, as the next attempt. Its answers become events. A server
// is asked again through the same socket, unless fresh.
func (r *run) ask(server netip.AddrPort, fresh bool) {
	r.current++
	if r.TCP {
		attempt := r.current
		for _, q := range r.open() {
			r.running.Go(func() { r.askStream(server, q, attempt) })
		}
		return
	}
	l, err := r.link(server, fresh)
	if err != nil {
		r.onError("connect() failed", err, server)
		r.take(event{attempt: r.current, err: err})
		return
	}
	l.attempt.Store(r.current)
	for _, q := range r.open() {
		if _, err := l.socket.Write(q.packed); err != nil {
			r.onError("send() failed", err, server)
			r.take(event{attempt: r.current, err: err})
			return
		}
	}
}

// link returns the socket to server, opening it if needed.
func (r *run) link(server netip.AddrPort, fresh bool) (*link, error) {
	if l := r.links[server]; l != nil && !fresh && !l.broken.Load() {
		return l, nil
	}
	socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return nil, err
	}
	l := &link{run: r, socket: socket, server: server, streams: map[*asking]int64{}}
	r.links[server] = l
	r.running.Go(l.read)
	return l, nil
}

// report sends an event to Do, unless Do has ended.
func (r *run) report(e event) {
	select {
	case r.events <- e:
	case <-r.ctx.Done():
	}
}

// onError reports a system error.
func (r *run) onError(what string, err error, server netip.AddrPort) {
	if r.OnError != nil {
		r.OnError(what, errnoOf(err), server)
	}
}

// errnoOf returns the system error in err, or err.
func errnoOf(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return err
}

// read receives answers until the exchange ends.
func (l *link) read() {
	defer l.socket.Close()
	defer context.AfterFunc(l.run.ctx, func() { l.socket.SetReadDeadline(time.Unix(1, 0)) })()
	buf := make([]byte, maxDatagram)
	for {
		n, err := l.socket.Read(buf)
		if l.run.ctx.Err() != nil {
			return
		}
		if err != nil {
			l.broken.Store(true)
			l.run.onError("recv() failed", err, l.server)
			l.run.report(event{attempt: l.attempt.Load(), err: err})
			return
		}
		l.take(buf[:n])
	}
}

// take finds the question that message answers. A truncated answer is requested again over TCP,
// once for each attempt.
func (l *link) take(message []byte) {
	attempt := l.attempt.Load()
	for _, q := range l.run.questions {
		reply, err := q.parse(message)
		switch {
		case err != nil:
		case !reply.truncated:
			l.run.report(event{attempt: attempt, asked: q, reply: reply})
		case l.streams[q] < attempt:
			l.streams[q] = attempt
			l.run.running.Go(func() { l.run.askStream(l.server, q, attempt) })
		}
	}
}

// askStream asks server one question over TCP.
func (r *run) askStream(server netip.AddrPort, q *asking, attempt int64) {
	reply, err := q.exchangeStream(r.ctx, server)
	r.report(event{attempt: attempt, asked: q, reply: reply, err: err})
}

func (q *asking) exchangeStream(ctx context.Context, server netip.AddrPort) (Reply, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", server.String())
	if err != nil {
		return Reply{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(q.packed))), q.packed...)); err != nil {
		return Reply{}, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return Reply{}, err
	}
	message := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, message); err != nil {
		return Reply{}, err
	}
	reply, err := q.parse(message)
	if err == nil && reply.truncated {
		err = errNotTheAnswer
	}
	return reply, err
}
