package peers

import (
	"bytes"
	"fmt"
	"net"
	"sync"
)

// A Conn is an accepted connection that records everything it reads.
type Conn struct {
	net.Conn

	mu    sync.Mutex
	heard []byte
	ended bool // by EOF, reset or Close
}

// Read reads and records. It must be called only by the goroutine that serves the connection.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = append(c.heard, b[:n]...)
	c.ended = c.ended || err != nil
	return n, err
}

// Heard returns a copy of everything read, and whether the other side has closed.
func (c *Conn) Heard() (data []byte, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.heard), c.ended
}

// Reset closes the connection so that the other side sees a TCP reset.
func (c *Conn) Reset() error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		if err := tcp.SetLinger(0); err != nil {
			return err
		}
	}
	return c.Close()
}

// CloseWrite closes the sending side and continues to read.
func (c *Conn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("%T cannot close one direction", c.Conn)
	}
	return half.CloseWrite()
}
