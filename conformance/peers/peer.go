// Package peers has the servers that conformance scripts put behind a proxy.
package peers

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// A Serve answers one accepted connection. It returns when it has nothing more to do; the connection stays open until the client or the script ends it.
type Serve func(c *Conn)

// A Peer is a server on one address that remembers every connection it accepted.
// Its methods may be called at the same time.
type Peer struct {
	name  string
	addr  string
	serve Serve

	mu       sync.Mutex
	listener net.Listener
	conns    []*Conn
}

// Start listens on addr, "HOST:PORT" or "unix:PATH", and serves until Close.
func Start(name, addr string, serve Serve) (*Peer, error) {
	p := &Peer{name: name, addr: addr, serve: serve}
	if err := p.Up(); err != nil {
		return nil, err
	}
	return p, nil
}

// Addr returns the address as it is written in a configuration.
func (p *Peer) Addr() string { return p.addr }

// Up listens again after Down. It does nothing on a peer that listens.
func (p *Peer) Up() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return nil
	}
	l, err := listen(p.addr)
	if err != nil {
		return err
	}
	p.listener = l
	go p.accept(l)
	return nil
}

// Down stops listening, so that connects are refused. Accepted connections stay.
func (p *Peer) Down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		return
	}
	p.listener.Close()
	p.listener = nil
}

// Close stops listening and closes every accepted connection.
func (p *Peer) Close() {
	p.Down()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
}

// Accepted returns how many connections came so far.
func (p *Peer) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

// Last waits for a first connection and returns the newest one.
func (p *Peer) Last(wait time.Duration) (*Conn, error) {
	for deadline := time.Now().Add(wait); ; time.Sleep(pollEvery) {
		if c := p.newest(); c != nil {
			return c, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("peer %s: no connection within %v", p.name, wait)
		}
	}
}

// pollEvery is how often a condition is looked at again while a script waits for it.
const pollEvery = 5 * time.Millisecond

func (p *Peer) newest() *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.conns) == 0 {
		return nil
	}
	return p.conns[len(p.conns)-1]
}

func (p *Peer) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		c := &Conn{Conn: nc, peer: p.name}
		p.mu.Lock()
		p.conns = append(p.conns, c)
		p.mu.Unlock()
		go p.serve(c)
	}
}

func listen(addr string) (net.Listener, error) {
	path, unix := strings.CutPrefix(addr, "unix:")
	if !unix {
		return net.Listen("tcp", addr)
	}
	os.Remove(path)
	return net.Listen("unix", path)
}
