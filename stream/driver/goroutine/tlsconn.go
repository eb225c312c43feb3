package goroutine

import (
	"crypto/tls"
	"errors"
	"io"
	"sync"
	"syscall"
	"time"
)

// tlsConn is the TLS layer of a conn after its handshake. It reads and writes like a non-blocking
// socket: it never waits, and an interruption does not harm the stream, unlike that of a tls.Conn
// over a socket that times out.
//
// The tls.Conn reads from and writes to raw, which keeps written data until the socket accepts
// it.
type tlsConn struct {
	*tls.Conn
	raw       *rawConn
	encrypted bool // the argument of write is in raw, and is reported when it is sent. Used only by the writer
}

// read reads as readFD does. The end of the connection is EOF whether or not the peer has sent
// close_notify: nginx configures OpenSSL in that way.
func (s *tlsConn) read(fd uintptr, b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	s.raw.flush(fd) // the answer to a key update; if there is no room for it, the next write sends it
	switch {
	case n > 0 || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return n, nil
	case errors.Is(err, syscall.EAGAIN):
		return 0, syscall.EAGAIN
	}
	return 0, err
}

// write writes all of b or nothing, as SSL_write does: after EAGAIN, call it again with the same
// bytes.
func (s *tlsConn) write(fd uintptr, b []byte) (int, error) {
	if !s.encrypted {
		if _, err := s.Conn.Write(b); err != nil {
			return 0, err
		}
		s.encrypted = true
	}
	if err := s.raw.flush(fd); err != nil {
		return 0, err
	}
	s.encrypted = false
	return len(b), nil
}

// end sends the alert close_notify through call: no more data follows.
func (s *tlsConn) end(call func(try func(fd uintptr) bool) error) error {
	if err := s.Conn.CloseWrite(); err != nil {
		return err
	}
	var failure error
	err := call(func(fd uintptr) bool {
		failure = s.raw.flush(fd)
		return !errors.Is(failure, syscall.EAGAIN)
	})
	return errors.Join(failure, err)
}

// rawConn is the net.Conn below a tls.Conn. During the handshake its calls wait, through handshake;
// after it they do not.
type rawConn struct {
	*conn
	handshake *handshake // nil after the handshake
	fd        uintptr    // valid in calls of read and write, which come from the socket's RawConn
	early     []byte     // precedes the data in the socket

	mu  sync.Mutex
	out *buffer // encrypted data, unsent from begin to end; nil if empty
	// begin and end are offsets in out.
	begin, end int
}

// settle ends the handshake: no call waits after it.
func (w *rawConn) settle() {
	w.handshake = nil
	w.raw.Control(func(fd uintptr) { w.fd = fd })
}

// Read returns the early data, and then the data in the socket.
func (w *rawConn) Read(b []byte) (int, error) {
	if len(w.early) > 0 {
		n := copy(b, w.early)
		w.early = w.early[n:]
		return n, nil
	}
	if w.handshake != nil {
		return w.handshake.read(b)
	}
	n, err := readFD(w.fd, b)
	return n, endOrError(n, err)
}

// Write takes all of b.
func (w *rawConn) Write(b []byte) (int, error) {
	if w.handshake != nil {
		return w.handshake.write(b)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reserve(len(b))
	w.end += copy(w.out.bytes[w.end:], b)
	return len(b), nil
}

// reserve makes room for n more bytes in out. The caller holds mu.
func (w *rawConn) reserve(n int) {
	if w.out != nil && w.end+n <= len(w.out.bytes) {
		return
	}
	old, held := w.out, w.end-w.begin
	w.out = getBuffer(held + n)
	if old != nil {
		copy(w.out.bytes, old.bytes[w.begin:w.end])
		old.put()
	}
	w.begin, w.end = 0, held
}

// flush writes the encrypted data. It returns EAGAIN if the socket has no room for all of it.
func (w *rawConn) flush(fd uintptr) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.begin < w.end {
		n, err := writeFD(fd, w.out.bytes[w.begin:w.end])
		if err != nil {
			return err
		}
		w.begin += n
	}
	w.out.put()
	w.out, w.begin, w.end = nil, 0, 0
	return nil
}

// Close does nothing: the owner of the conn closes it.
func (w *rawConn) Close() error { return nil }

// SetDeadline does nothing: there is one deadline for the whole handshake, and none after it.
func (w *rawConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing, like SetDeadline.
func (w *rawConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing, like SetDeadline.
func (w *rawConn) SetWriteDeadline(time.Time) error { return nil }

// endOrError returns the error that an io.Reader returns after a read of n bytes.
func endOrError(n int, err error) error {
	if n == 0 && err == nil {
		return io.EOF
	}
	return err
}
