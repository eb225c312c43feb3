//go:build linux

package load

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A role is the behaviour that a client requests in its CONNECT.
type role int

const (
	echo role = iota
	sink
	source
	stamps
)

var roles = map[string]role{"sink": sink, "source": source, "stamps": stamps}

// A brokerConn is one client of the broker.
type brokerConn struct {
	fd     int
	role   role
	headed bool   // past the PROXY header, or known to have none
	asked  bool   // source: started
	left   int64  // sink, source: bytes; stamps: packets
	in     []byte // the start of an incomplete packet
	out    []byte // answers that the socket did not accept yet
	delays []byte // stamps: delays measured so far
}

// serve handles one event. It returns io.EOF when the connection has ended.
func (b *Broker) serve(c *brokerConn, ev *unix.EpollEvent) error {
	blocked := len(c.out) > 0
	if err := c.flush(); err != nil {
		return err
	}
	if err := c.sendBulk(); err != nil {
		return err
	}
	if !readable(ev) && !blocked {
		return nil
	}
	return b.drain(c, ev.Events&ended != 0)
}

// drain reads all available input. It stops when answers cannot be written: then the client must
// read first.
func (b *Broker) drain(c *brokerConn, ended bool) error {
	for len(c.out) == 0 {
		n, room, err := b.readOnce(c)
		if errors.Is(err, errAgain) {
			return nil
		}
		if err != nil {
			return mapClosed(err)
		}
		if n == 0 {
			return io.EOF
		}
		if n < room && !ended {
			return nil // no more input; the next byte causes a new event
		}
	}
	return nil
}

// readOnce reads once, up to room bytes, and handles the input.
func (b *Broker) readOnce(c *brokerConn) (n, room int, err error) {
	if c.role == sink && c.left > 0 {
		return b.discard(c)
	}
	n, err = read(c.fd, b.buf)
	if err != nil || n == 0 {
		return n, len(b.buf), err
	}
	return n, len(b.buf), b.input(c, b.buf[:n])
}

// maxDiscard is how many bytes a sink discards in one call.
const maxDiscard = 4 << 20

func (b *Broker) discard(c *brokerConn) (n, room int, err error) {
	room = int(min(c.left, maxDiscard))
	n, err = discard(c.fd, room)
	if err != nil || n == 0 {
		return n, room, err
	}
	if c.left -= int64(n); c.left == 0 {
		err = c.send(pingresp)
	}
	return n, room, err
}

// input handles received bytes after those stored before.
func (b *Broker) input(c *brokerConn, p []byte) error {
	if len(c.in) > 0 {
		p = append(c.in, p...)
	}
	if !c.headed {
		n := proxyHeader(p)
		if n < 0 {
			c.storePartial(p)
			return nil
		}
		p, c.headed = p[n:], true
	}
	b.reply = b.reply[:0]
	rest, err := b.packets(c, p)
	if err != nil {
		return err
	}
	c.storePartial(rest)
	if err := c.send(b.reply); err != nil {
		return err
	}
	return c.sendBulk()
}

// packets handles every whole packet of p and returns the rest.
func (b *Broker) packets(c *brokerConn, p []byte) ([]byte, error) {
	for {
		p = b.discardSink(c, p)
		pk, err := firstPacket(p)
		if err != nil || pk.size == 0 {
			return p, err
		}
		if err := b.packet(c, pk, p[:pk.size]); err != nil {
			return nil, err
		}
		p = p[pk.size:]
	}
}

// discardSink discards the part of p that belongs to a sink, and returns the rest.
func (b *Broker) discardSink(c *brokerConn, p []byte) []byte {
	if c.role != sink || c.left == 0 || len(p) == 0 {
		return p
	}
	n := min(c.left, int64(len(p)))
	if c.left -= n; c.left == 0 {
		b.reply = append(b.reply, pingresp...)
	}
	return p[n:]
}

// packet handles one packet; whole contains its bytes.
func (b *Broker) packet(c *brokerConn, pk packet, whole []byte) error {
	switch pk.kind {
	case typeConnect:
		b.reply = append(b.reply, connack...)
		return c.start(pk.body)
	case typePublish:
		return b.publish(c, pk, whole)
	case typePingReq:
		b.ping(c)
		return nil
	case typeDisconnect:
		return io.EOF
	}
	return errMalformed
}

func (b *Broker) publish(c *brokerConn, pk packet, whole []byte) error {
	if c.role != stamps {
		b.reply = append(b.reply, whole...)
		return nil
	}
	payload, err := pk.payload()
	if err != nil {
		return err
	}
	if c.delays, err = appendDelay(c.delays, payload, time.Now()); err != nil {
		return err
	}
	if c.left--; c.left == 0 {
		b.reply = appendPublish(b.reply, c.delays)
		c.delays = nil
	}
	return nil
}

func (b *Broker) ping(c *brokerConn) {
	if c.role == source {
		c.asked = true // the requested data is the answer
		return
	}
	b.reply = append(b.reply, pingresp...)
}

// start sets the client's role from the body of its CONNECT.
func (c *brokerConn) start(body []byte) error {
	id, err := clientID(body)
	if err != nil {
		return err
	}
	kind, rest, _ := strings.Cut(id, ":")
	count, _, _ := strings.Cut(rest, ":")
	if n, err := strconv.ParseInt(count, 10, 64); err == nil {
		c.role, c.left = roles[kind], n
	}
	return nil
}

// storePartial stores the start of a packet, or clears the store.
func (c *brokerConn) storePartial(p []byte) {
	if len(p) == 0 {
		c.in = nil
		return
	}
	c.in = append([]byte(nil), p...)
}

var zeros = make([]byte, 256<<10)

// sendBulk sends the remaining bytes of a source until the socket is full.
func (c *brokerConn) sendBulk() error {
	for c.asked && c.left > 0 && len(c.out) == 0 {
		n, err := write(c.fd, zeros[:min(c.left, int64(len(zeros)))])
		if errors.Is(err, errAgain) {
			return nil
		}
		if err != nil {
			return mapClosed(err)
		}
		c.left -= int64(n)
	}
	return nil
}

// send writes p, and stores the bytes that the socket does not accept.
func (c *brokerConn) send(p []byte) error {
	c.out = append(c.out, p...)
	return c.flush()
}

func (c *brokerConn) flush() error {
	for len(c.out) > 0 {
		n, err := write(c.fd, c.out)
		if errors.Is(err, errAgain) {
			return nil
		}
		if err != nil {
			return mapClosed(err)
		}
		c.out = c.out[n:]
	}
	c.out = nil
	return nil
}

// mapClosed maps the errors of a client that has closed to io.EOF.
func mapClosed(err error) error {
	if errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE) {
		return io.EOF
	}
	return err
}
