// Package peers provides the upstream servers of conformance scripts.
package peers

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Serve answers one accepted connection. When it returns, the connection stays open until the
// client or the script closes it.
type Serve func(c *Conn)

// A Peer is a server on one address that records every connection it accepted. Its methods may be
// called concurrently.
type Peer struct {
	name  string
	addr  string
	serve Serve
	wrap  func(net.Conn) net.Conn // makes the connections; nil for plain ones

	mu       sync.Mutex
	listener net.Listener
	stopped  chan struct{} // closed when the accept loop of listener has ended
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
	p.listener, p.stopped = l, make(chan struct{})
	go p.accept(l, p.stopped)
	return nil
}

// Down stops listening; connects are refused after it returns. Accepted connections stay open.
func (p *Peer) Down() {
	p.mu.Lock()
	l, stopped := p.listener, p.stopped
	p.listener = nil
	p.mu.Unlock()
	if l == nil {
		return
	}
	stopAccepting(l)
	l.Close()
	<-stopped
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

// Accepted returns the number of connections so far.
func (p *Peer) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

// Newest returns the last accepted connection, or an error if there is none yet.
func (p *Peer) Newest() (*Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.conns) == 0 {
		return nil, fmt.Errorf("peer %s has no connection", p.name)
	}
	return p.conns[len(p.conns)-1], nil
}

func (p *Peer) accept(l net.Listener, stopped chan<- struct{}) {
	defer close(stopped)
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		if p.wrap != nil {
			nc = p.wrap(nc)
		}
		c := &Conn{Conn: nc}
		p.mu.Lock()
		p.conns = append(p.conns, c)
		p.mu.Unlock()
		go p.serve(c)
	}
}

// stopAccepting makes the kernel refuse connects at once. Closing alone does so only when the last copy of
// the descriptor is closed, and a process that is being started holds one for a moment.
func stopAccepting(l net.Listener) {
	sc, ok := l.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_RDWR) })
}

func listen(addr string) (net.Listener, error) {
	path, isUnix := strings.CutPrefix(addr, "unix:")
	if !isUnix {
		return net.Listen("tcp", addr)
	}
	os.Remove(path)
	return net.Listen("unix", path)
}
