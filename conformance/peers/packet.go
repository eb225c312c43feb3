package peers

import (
	"fmt"
	"net"
	"slices"
	"sync"
)

// An Answer returns the datagrams with which a PacketPeer answers a datagram.
type Answer func(data []byte) [][]byte

// EchoPacket echoes a datagram.
func EchoPacket(data []byte) [][]byte { return [][]byte{data} }

// NoAnswer sends no answer.
func NoAnswer([]byte) [][]byte { return nil }

// NamedPacket answers with a name.
func NamedPacket(name string) Answer {
	return func([]byte) [][]byte { return [][]byte{[]byte(name)} }
}

// A Packet is a datagram with its source.
type Packet struct {
	Data []byte
	From net.Addr
}

// A PacketPeer is a UDP server on one address that records every datagram received. Its methods may
// be called concurrently.
type PacketPeer struct {
	addr   string
	answer Answer

	mu      sync.Mutex
	conn    net.PacketConn // nil while down
	stopped chan struct{}  // closed when the reader of conn has ended
	got     []Packet
}

// StartPackets listens on addr, "HOST:PORT", and answers until Close.
func StartPackets(addr string, answer Answer) (*PacketPeer, error) {
	p := &PacketPeer{addr: addr, answer: answer}
	return p, p.Up()
}

// Addr returns the address as it is written in a configuration.
func (p *PacketPeer) Addr() string { return p.addr }

// Up listens again after Down. It does nothing on a peer that listens.
func (p *PacketPeer) Up() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != nil {
		return nil
	}
	conn, err := net.ListenPacket("udp", p.addr)
	if err != nil {
		return err
	}
	p.conn, p.stopped = conn, make(chan struct{})
	go p.read(conn, p.stopped)
	return nil
}

// Down closes the socket; datagrams are refused after it returns.
func (p *PacketPeer) Down() {
	p.mu.Lock()
	conn, stopped := p.conn, p.stopped
	p.conn = nil
	p.mu.Unlock()
	if conn == nil {
		return
	}
	conn.Close()
	<-stopped
}

func (p *PacketPeer) read(conn net.PacketConn, stopped chan<- struct{}) {
	defer close(stopped)
	b := make([]byte, 1<<16)
	for {
		n, from, err := conn.ReadFrom(b)
		if err != nil {
			return
		}
		data := slices.Clone(b[:n])
		p.mu.Lock()
		p.got = append(p.got, Packet{data, from})
		p.mu.Unlock()
		for _, a := range p.answer(data) {
			conn.WriteTo(a, from)
		}
	}
}

// Got returns all datagrams so far, oldest first.
func (p *PacketPeer) Got() []Packet {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

// Say sends a datagram to the source of the n-th one, counted from 1.
func (p *PacketPeer) Say(n int, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn == nil || n < 1 || n > len(p.got) {
		return fmt.Errorf("%d datagrams came, no client to respond to", len(p.got))
	}
	_, err := p.conn.WriteTo(data, p.got[n-1].From)
	return err
}
