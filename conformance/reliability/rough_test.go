package reliability

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"weir/conformance/peers"
)

// A roughConn is the side of a client or broker in a bad network: it delays what it sends, sends and receives in
// pieces, and may reset the connection in the middle of a packet.
type roughConn struct {
	net.Conn
	random *rand.Rand
	resets int // one of so many writes resets the connection; 0 for none
}

const (
	longestDelay = 200 * time.Millisecond
	roughPiece   = 4 << 10  // the most bytes that are received at once
	roughBuffer  = 64 << 10 // of the socket
	slowPacket   = 64       // shorter ones are sent byte by byte
)

// newRough returns a connection with a small receive buffer: weir, with a small send buffer for clients, cannot
// write long packets at once.
func newRough(c net.Conn, random *rand.Rand, resets int) *roughConn {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(roughBuffer) // weir may have closed the connection
	}
	return &roughConn{c, random, resets}
}

// pause waits a random time.
func (c *roughConn) pause(longest time.Duration) {
	<-time.NewTimer(time.Duration(c.random.Int64N(int64(longest) + 1))).C
}

func (c *roughConn) Read(b []byte) (int, error) {
	c.pause(time.Millisecond)
	return c.Conn.Read(b[:min(len(b), 1+c.random.IntN(roughPiece))])
}

// errReset is the error of a write that has reset the connection.
var errReset = errors.New("the connection is reset")

func (c *roughConn) Write(b []byte) (n int, err error) {
	c.pause(longestDelay)
	end := len(b)
	reset := c.resets > 0 && c.random.IntN(c.resets) == 0
	if reset {
		end = c.random.IntN(len(b))
	}
	for n < end && err == nil {
		size := 1
		if len(b) > slowPacket {
			size = min(1+c.random.IntN(16<<10), end-n)
		}
		var wrote int
		wrote, err = c.Conn.Write(b[n : n+size])
		n += wrote
		c.pause(time.Millisecond)
	}
	if reset {
		(&peers.Conn{Conn: c.Conn}).Reset()
		err = errors.Join(err, errReset)
	}
	return n, err
}

// A badNetwork is a server whose clients and brokers are slow, and the counts of both ends. None of its sessions may
// be lost, nor any byte.
type badNetwork struct {
	addr             string   // of the server
	brokers          []string // their addresses
	atClients        traffic
	atBrokers        traffic
	dialled, packets atomic.Int64
}

// start runs the brokers.
func (b *badNetwork) start(t *testing.T) {
	t.Helper()
	var all peers.Fleet
	var seed atomic.Uint64
	for _, name := range names("rough", 3) {
		serve := all.Broker(name)
		b.brokers = append(b.brokers, localBroker(t, func(c *peers.Conn) {
			rough := newRough(c.Conn, rand.New(rand.NewPCG(7, seed.Add(1))), 0)
			serve(&peers.Conn{Conn: countedConn{rough, &b.atBrokers}}) // the peer must not record long packets
		}).Addr())
	}
}

// roughClients is how many clients the brokers have.
const roughClients = 20

// visit sends CONNECT, some messages that the broker returns, a few of them long, and DISCONNECT.
func (b *badNetwork) visit(id string, r *rand.Rand) error {
	conn, err := dialer.Dial("tcp", b.addr)
	if err != nil {
		return err
	}
	b.dialled.Add(1)
	c := &client{countedConn{newRough(conn, r, 0), &b.atClients}}
	defer c.Close()
	if err := c.exchange(peers.Connect{Level: 4, ClientID: id}.Bytes(), connack, answerTimeout); err != nil {
		return fmt.Errorf("CONNECT: %w", err)
	}
	for range r.IntN(5) {
		size := r.IntN(100)
		if r.IntN(10) == 0 {
			size = 200_000 + r.IntN(100_000)
		}
		packet := peers.Publish("meters", string(make([]byte, size)))
		if err := c.exchange(packet, packet, longPacketTimeout); err != nil {
			return fmt.Errorf("PUBLISH of %d bytes: %w", size, err)
		}
		b.packets.Add(1)
	}
	return c.leave()
}

// longPacketTimeout is enough for a packet in pieces.
const longPacketTimeout = 30 * time.Second

// want compares the counts of both ends with those of weir for the server and for its group.
func (b *badNetwork) want(s *site, z zone) {
	s.t.Helper()
	if got, want := z.Connections, int(b.dialled.Load()); got != want {
		s.t.Errorf("the zone has %d connections, want %d", got, want)
	}
	received, sent := b.atClients.out.Load(), b.atClients.in.Load()
	toBrokers, fromBrokers := s.groupBytes("rough")
	for who, n := range map[string]int64{"the brokers": b.atBrokers.in.Load(), "weir at the clients": z.Received, "weir at the brokers": toBrokers} {
		if n != received {
			s.t.Errorf("clients have sent %d bytes, %s count %d", received, who, n)
		}
	}
	for who, n := range map[string]int64{"the brokers": b.atBrokers.out.Load(), "weir at the clients": z.Sent, "weir at the brokers": fromBrokers} {
		if n != sent {
			s.t.Errorf("clients have received %d bytes, %s count %d", sent, who, n)
		}
	}
	figure(s.t, "storm", "in a bad network: %d sessions, %d messages returned; clients, weir and brokers count %d and %d bytes",
		b.dialled.Load(), b.packets.Load(), received, sent)
}

// groupBytes returns the bytes that weir has sent to the servers of a group and received from them.
func (s *site) groupBytes(group string) (sent, received int64) {
	s.t.Helper()
	var g struct {
		Peers []struct{ Sent, Received int64 }
	}
	s.decode("/api/9/stream/upstreams/"+group, &g)
	for _, p := range g.Peers {
		sent += p.Sent
		received += p.Received
	}
	return sent, received
}
