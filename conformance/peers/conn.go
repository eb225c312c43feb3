package peers

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"time"
)

// A Conn is an accepted connection that records all it reads.
type Conn struct {
	net.Conn
	peer string

	mu    sync.Mutex
	heard []byte
	end   error // why reading stopped; nil while it goes on
}

// Read reads and records. It is for the one goroutine that serves the connection.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = append(c.heard, b[:n]...)
	if err != nil {
		c.end = err
	}
	return n, err
}

// Heard waits until as many bytes as want came and reports how they differ from want, if they do.
func (c *Conn) Heard(want []byte, wait time.Duration) error {
	got := c.await(wait, func() bool { return len(c.heard) >= len(want) || c.end != nil })
	if !bytes.Equal(got, want) {
		return fmt.Errorf("peer %s heard %q, want %q", c.peer, got, want)
	}
	return nil
}

// Ended waits for the end of what the other side sends, by a close or by a reset.
func (c *Conn) Ended(wait time.Duration) error {
	c.await(wait, func() bool { return c.end != nil })
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil {
		return fmt.Errorf("peer %s: no end of input within %v", c.peer, wait)
	}
	return nil
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

// CloseWrite ends what this side sends and goes on reading.
func (c *Conn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("peer %s: %T cannot close one direction", c.peer, c.Conn)
	}
	return half.CloseWrite()
}

// await polls until done, which runs under the lock, holds or the time is over, and returns a copy of what was heard.
func (c *Conn) await(wait time.Duration, done func() bool) []byte {
	for deadline := time.Now().Add(wait); ; time.Sleep(pollEvery) {
		c.mu.Lock()
		ready, heard := done(), bytes.Clone(c.heard)
		c.mu.Unlock()
		if ready || time.Now().After(deadline) {
			return heard
		}
	}
}
