package goroutine

import (
	"crypto/tls"
	"errors"
	"io"
	"sync"
	"syscall"
	"time"
)

// A tlsConn is the TLS of a conn whose handshake is done. It reads and writes as a socket that does not block: it never waits, and can
// be interrupted without harm to the stream, which a tls.Conn over a socket that times out could not.
//
// The tls.Conn reads from and writes to the wire. What it writes the wire keeps, until the socket takes it.
type tlsConn struct {
	*tls.Conn
	wire   *rawConn
	sealed bool // what write was called with is on the wire, and is to be reported when it is out. Of who writes
}

// read reads as readFD does. The end of the connection is an end, whether or not the peer has announced it: nginx tells OpenSSL so.
func (s *tlsConn) read(fd uintptr, b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	s.wire.flush(fd) // an answer to a new key; if there is no room for it, it goes out with the next write
	switch {
	case n > 0 || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return n, nil
	case errors.Is(err, syscall.EAGAIN):
		return 0, syscall.EAGAIN
	}
	return 0, err
}

// write writes all of b or nothing, as SSL_write does: after EAGAIN it has to be called again with the same bytes.
func (s *tlsConn) write(fd uintptr, b []byte) (int, error) {
	if !s.sealed {
		if _, err := s.Conn.Write(b); err != nil {
			return 0, err
		}
		s.sealed = true
	}
	if err := s.wire.flush(fd); err != nil {
		return 0, err
	}
	s.sealed = false
	return len(b), nil
}

// end says that nothing more is written, by the alert close_notify, which goes out by way of call.
func (s *tlsConn) end(call func(try func(fd uintptr) bool) error) error {
	if err := s.Conn.CloseWrite(); err != nil {
		return err
	}
	var failure error
	err := call(func(fd uintptr) bool {
		failure = s.wire.flush(fd)
		return failure != syscall.EAGAIN
	})
	return errors.Join(failure, err)
}

// A rawConn is the net.Conn below a tls.Conn. During the handshake its calls wait, and shaking does that; from then on they do not.
type rawConn struct {
	*conn
	shaking *handshake // nil: the handshake is done
	fd      uintptr    // valid in calls of read and write, which come from the socket's RawConn
	early   []byte     // comes before what is in the socket

	mu  sync.Mutex
	out *buffer // sealed, and not yet written from begin to end; nil: nothing
	// begin and end are of out.
	begin, end int
}

// settle ends the handshake: nothing waits from here on.
func (w *rawConn) settle() {
	w.shaking = nil
	w.raw.Control(func(fd uintptr) { w.fd = fd })
}

// Read gives what came early, and then what is in the socket.
func (w *rawConn) Read(b []byte) (int, error) {
	if len(w.early) > 0 {
		n := copy(b, w.early)
		w.early = w.early[n:]
		return n, nil
	}
	if w.shaking != nil {
		return w.shaking.read(b)
	}
	n, err := readFD(w.fd, b)
	return n, endOrError(n, err)
}

// Write takes all of b.
func (w *rawConn) Write(b []byte) (int, error) {
	if w.shaking != nil {
		return w.shaking.write(b)
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

// flush writes what is sealed. EAGAIN: there is no room for all of it.
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

// Close does nothing: the conn is closed by who has it.
func (w *rawConn) Close() error { return nil }

// SetDeadline does nothing: there is one for the whole handshake, and none after it.
func (w *rawConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing, likewise.
func (w *rawConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing, likewise.
func (w *rawConn) SetWriteDeadline(time.Time) error { return nil }

// endOrError is what an io.Reader has to say of a read of n bytes.
func endOrError(n int, err error) error {
	if n == 0 && err == nil {
		return io.EOF
	}
	return err
}
