package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"
)

// maxDatagram is the longest answer that is taken from a datagram, as NGX_RESOLVER_UDP_SIZE.
const maxDatagram = 4096

// ask sends server what is open, as the next attempt. Its answers become events.
func (r *run) ask(server netip.AddrPort) {
	r.current++
	var open []*asking
	for _, q := range r.questions {
		if !q.settled {
			open = append(open, q)
		}
	}
	attempt := r.current
	if r.TCP {
		for _, q := range open {
			r.running.Go(func() { r.askStream(server, q, attempt) })
		}
		return
	}
	r.running.Go(func() { r.askDatagrams(server, open, attempt) })
}

// report passes an event to Do, unless Do has ended.
func (r *run) report(e event) {
	select {
	case r.events <- e:
	case <-r.ctx.Done():
	}
}

// fail reports that a server cannot be reached.
func (r *run) fail(what string, err error, server netip.AddrPort, attempt int) {
	if r.ctx.Err() != nil {
		return
	}
	if r.OnError != nil {
		r.OnError(what, errnoOf(err), server)
	}
	r.report(event{attempt: attempt, err: err})
}

// errnoOf returns the error of the system in err, or err.
func errnoOf(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// askDatagrams sends questions to a server over UDP, from a socket of its own, and reads answers until the exchange ends.
func (r *run) askDatagrams(server netip.AddrPort, open []*asking, attempt int) {
	socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		r.fail("connect() failed", err, server, attempt)
		return
	}
	defer socket.Close()
	defer context.AfterFunc(r.ctx, func() { socket.SetReadDeadline(time.Unix(1, 0)) })()
	for _, q := range open {
		if _, err := socket.Write(q.packed); err != nil {
			r.fail("send() failed", err, server, attempt)
			return
		}
	}
	buf := make([]byte, maxDatagram)
	for len(open) > 0 {
		n, err := socket.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil {
			r.fail("recv() failed", err, server, attempt)
			return
		}
		open = slices.DeleteFunc(open, func(q *asking) bool { return r.takeDatagram(buf[:n], server, q, attempt) })
	}
}

// takeDatagram reports whether message answers q. An answer that was cut off is asked for again over TCP.
func (r *run) takeDatagram(message []byte, server netip.AddrPort, q *asking, attempt int) bool {
	reply, err := q.parse(message)
	switch {
	case err != nil:
		return false
	case reply.truncated:
		r.running.Go(func() { r.askStream(server, q, attempt) })
	default:
		r.report(event{attempt: attempt, asked: q, reply: reply})
	}
	return true
}

// askStream asks server one question over TCP.
func (r *run) askStream(server netip.AddrPort, q *asking, attempt int) {
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
