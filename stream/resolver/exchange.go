package resolver

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// maxDatagram is the longest answer that is taken from a datagram, as NGX_RESOLVER_UDP_SIZE.
	maxDatagram = 4096
	// maxBatch is how many questions an exchange has at most.
	maxBatch = 2
)

// An exchange asks for one name, all kinds of records at once, from a socket of its own, whose port the system has chosen. What comes
// is taken only from a name server that has been asked, with the number and the question that it was asked with.
type exchange struct {
	r         *Resolver
	questions []question
	packed    [][]byte
	replies   []reply
	answered  []bool
	asked     []netip.AddrPort
	last      netip.AddrPort // the server asked last
	said      bool           // that it can not be reached
	socket    *net.UDPConn
}

// exchange asks for the records of those kinds until all questions are answered or ctx ends. The replies are in the order of kinds.
func (r *Resolver) exchange(ctx context.Context, name string, kinds []dnsmessage.Type) ([]reply, error) {
	x := &exchange{r: r, replies: make([]reply, len(kinds)), answered: make([]bool, len(kinds))}
	for _, id := range distinctIDs(len(kinds)) {
		q := question{id: id, name: name, kind: kinds[len(x.questions)]}
		packed, err := q.pack()
		if err != nil {
			return nil, HostNotFound // as ngx_resolve_name_locked for what can not be a name
		}
		x.questions, x.packed = append(x.questions, q), append(x.packed, packed)
	}
	defer x.close()
	for {
		x.send(r.nextServer())
		if x.receive(ctx, time.Now().Add(r.resend)) {
			return x.replies, nil
		}
		if ctx.Err() != nil {
			return nil, TimedOut
		}
	}
}

// distinctIDs draws numbers for questions, one after the other without a repetition.
func distinctIDs(n int) []uint16 {
	ids := make([]uint16, 0, maxBatch)
	for len(ids) < n {
		if id := uint16(rand.Uint32()); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (x *exchange) close() {
	if x.socket != nil {
		x.socket.Close()
	}
}

// send asks server what is still open. What can not be sent is asked again in time, as all that is not answered.
func (x *exchange) send(server netip.AddrPort) {
	if x.socket == nil {
		socket, err := net.ListenUDP(x.r.network, nil)
		if err != nil {
			return
		}
		hearRefusals(socket)
		x.socket = socket
	}
	x.said = false
	x.last = server
	if !slices.Contains(x.asked, server) {
		x.asked = append(x.asked, server)
	}
	for i, message := range x.packed {
		if !x.answered[i] {
			x.write(message, server)
		}
	}
}

// write sends a question to server. The error of a write may be that of a question before, so that it is tried once more.
func (x *exchange) write(message []byte, server netip.AddrPort) {
	_, err := x.socket.WriteToUDPAddrPort(message, server)
	if err == nil {
		return
	}
	x.say("send() failed", err)
	x.socket.WriteToUDPAddrPort(message, server)
}

// say tells once that the server asked last can not be reached, and goes on waiting, as nginx does: another one is asked in time.
func (x *exchange) say(what string, err error) {
	if say := x.r.say.Load(); say != nil && !x.said {
		(*say)(what, err, x.last)
	}
	x.said = true
}

// receive takes answers until all questions have one, and reports whether they have, or until the moment to ask again.
func (x *exchange) receive(ctx context.Context, until time.Time) bool {
	if x.socket == nil {
		sleep(ctx, until)
		return false
	}
	defer context.AfterFunc(ctx, func() { x.socket.SetReadDeadline(time.Unix(1, 0)) })()
	buf := make([]byte, maxDatagram)
	x.socket.SetReadDeadline(until)
	for ctx.Err() == nil {
		n, from, err := x.socket.ReadFromUDPAddrPort(buf)
		if errors.As(err, new(syscall.Errno)) {
			x.say("recv() failed", err)
			continue
		}
		if err != nil {
			sleep(ctx, until)
			return false
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if slices.Contains(x.asked, from) {
			x.take(ctx, buf[:n], from)
		}
		if !slices.Contains(x.answered, false) {
			return true
		}
	}
	return false
}

// sleep waits for a moment that may have passed already, or for the end of ctx.
func sleep(ctx context.Context, until time.Time) {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// take finds the question that message answers. An answer too long for a datagram is asked for again over TCP.
func (x *exchange) take(ctx context.Context, message []byte, from netip.AddrPort) {
	for i, q := range x.questions {
		if x.answered[i] {
			continue
		}
		got, err := q.parse(message)
		if err == nil && got.truncated {
			got, err = x.r.askStream(ctx, from, q, x.packed[i])
		}
		if err == nil {
			x.replies[i], x.answered[i] = got, true
		}
	}
}

// askStream asks server over TCP.
func (r *Resolver) askStream(ctx context.Context, server netip.AddrPort, q question, packed []byte) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, r.resend)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", server.String())
	if err != nil {
		return reply{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...)); err != nil {
		return reply{}, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return reply{}, err
	}
	message := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, message); err != nil {
		return reply{}, err
	}
	got, err := q.parse(message)
	if err == nil && got.truncated {
		err = errNotTheAnswer
	}
	return got, err
}
