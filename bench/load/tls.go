//go:build linux

package load

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"iter"
	"net"
	"time"
)

// secure is the TLS of a client. Its calls never wait: the handshake runs in a coroutine, which
// continues at each event of the socket.
type secure struct {
	fd    int
	conn  *tls.Conn
	out   []byte // encrypted bytes that the socket did not accept yet
	empty bool   // the socket had no input
	done  bool   // the handshake is done
	err   error  // of the handshake
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
}

func newSecure(fd int, config *tls.Config) *secure {
	s := &secure{fd: fd}
	s.conn = tls.Client(s, config)
	s.next, s.stop = iter.Pull(func(yield func(struct{}) bool) {
		s.yield = yield
		s.err = s.conn.HandshakeContext(context.Background())
		s.done = true
	})
	return s
}

// handshake continues the handshake, and reports whether it is done.
func (s *secure) handshake() (bool, error) {
	s.empty = false
	if !s.done {
		s.next()
	}
	if err := s.flush(); err != nil {
		return false, err
	}
	return s.done, s.err
}

// flush writes the encrypted bytes that wait.
func (s *secure) flush() error {
	for len(s.out) > 0 {
		n, err := write(s.fd, s.out)
		if errors.Is(err, errAgain) {
			return nil
		}
		if err != nil {
			return err
		}
		s.out = s.out[n:]
	}
	return nil
}

// write encrypts all of p, unless earlier bytes still wait.
func (s *secure) write(p []byte) (int, error) {
	if err := s.flush(); err != nil {
		return 0, err
	}
	if len(s.out) > 0 {
		return 0, errAgain
	}
	return s.conn.Write(p)
}

// read reads and decrypts until p is full or the socket is empty. As in read of a socket, an n of 0
// without an error is the peer's end.
func (s *secure) read(p []byte) (int, error) {
	s.empty = false
	n := 0
	for n < len(p) {
		k, err := s.conn.Read(p[n:])
		if k == 0 {
			return s.ended(n, err)
		}
		n += k
	}
	return n, nil
}

// ended returns the result of a read of n bytes that a further one followed without data.
func (s *secure) ended(n int, err error) (int, error) {
	switch {
	case n > 0:
		return n, nil
	case errors.Is(err, errWouldBlock):
		return 0, errAgain
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return 0, nil
	}
	return 0, err
}

// close ends the handshake.
func (s *secure) close() { s.stop() }

// errWouldBlock is temporary, so that crypto/tls reads again.
var errWouldBlock net.Error = wouldBlock{}

type wouldBlock struct{}

// Error returns the text of the error.
func (wouldBlock) Error() string { return errAgain.Error() }

// Timeout returns true.
func (wouldBlock) Timeout() bool { return true }

// Temporary returns true.
func (wouldBlock) Temporary() bool { return true }

// Read reads from the socket for crypto/tls.
func (s *secure) Read(p []byte) (int, error) {
	for {
		if !s.empty {
			n, err := read(s.fd, p)
			if err == nil && n == 0 {
				return 0, io.EOF
			}
			if !errors.Is(err, errAgain) {
				s.empty = n < len(p)
				return n, err
			}
			s.empty = true
		}
		if s.done {
			return 0, errWouldBlock
		}
		if !s.yield(struct{}{}) {
			return 0, errClosed
		}
	}
}

// Write writes for crypto/tls, and keeps what the socket does not accept.
func (s *secure) Write(p []byte) (int, error) {
	s.out = append(s.out, p...)
	return len(p), s.flush()
}

// Close does nothing: the dialer closes the socket.
func (s *secure) Close() error { return nil }

// LocalAddr returns an address without a meaning.
func (s *secure) LocalAddr() net.Addr { return &net.UnixAddr{} }

// RemoteAddr returns an address without a meaning. The sessions of a cache need a ServerName.
func (s *secure) RemoteAddr() net.Addr { return &net.UnixAddr{} }

// SetDeadline does nothing.
func (s *secure) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (s *secure) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (s *secure) SetWriteDeadline(time.Time) error { return nil }
