package peers

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"sync"
)

// A TLS makes the connections of a peer TLS connections. Its settings may change while it serves, for
// later connections.
type TLS struct {
	mu       sync.Mutex
	config   *tls.Config
	preamble bool
}

// Set sets the settings of later handshakes. With preamble a line in clear, such as a PROXY header,
// comes before the handshake.
func (t *TLS) Set(config *tls.Config, preamble bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.config, t.preamble = config, preamble
}

// StartTLS is Start for a peer with TLS. A connection ends when its handshake has failed.
func StartTLS(name, addr string, t *TLS, serve Serve) (*Peer, error) {
	p := &Peer{name: name, addr: addr, wrap: t.wrap, serve: func(c *Conn) {
		if c.Conn.(*tls.Conn).Handshake() != nil {
			c.Close()
			return
		}
		serve(c)
	}}
	if err := p.Up(); err != nil {
		return nil, err
	}
	return p, nil
}

func (t *TLS) wrap(nc net.Conn) net.Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.config == nil {
		return tls.Server(nc, &tls.Config{})
	}
	return tls.Server(&preambled{Conn: nc, ended: !t.preamble}, t.config)
}

// preambled is a connection whose first line is not read by the handshake.
type preambled struct {
	net.Conn

	mu    sync.Mutex
	line  []byte
	ended bool
}

// Read reads the line first.
func (p *preambled) Read(b []byte) (int, error) {
	for !p.ended {
		one := make([]byte, 1)
		if _, err := p.Conn.Read(one); err != nil {
			return 0, err
		}
		p.ended = one[0] == '\n'
		p.mu.Lock()
		p.line = append(p.line, one[0])
		p.mu.Unlock()
	}
	return p.Conn.Read(b)
}

// Preamble returns the line that was read before the handshake.
func (c *Conn) Preamble() string {
	t, ok := c.Conn.(*tls.Conn)
	if !ok {
		return ""
	}
	p, ok := t.NetConn().(*preambled)
	if !ok {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(bytes.Clone(p.line))
}

// TLSState returns the state of a handshake that is done.
func (c *Conn) TLSState() (tls.ConnectionState, error) {
	t, ok := c.Conn.(*tls.Conn)
	if !ok {
		return tls.ConnectionState{}, errors.New("the peer has no TLS")
	}
	state := t.ConnectionState()
	if !state.HandshakeComplete {
		return state, errors.New("the handshake is not done")
	}
	return state, nil
}
