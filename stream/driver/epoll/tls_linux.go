package epoll

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// tlsConn is the TLS of one side. After the handshake its calls never wait.
type tlsConn struct {
	rawConn
	conn *tls.Conn
	// more: conn may have data even though the socket has none.
	more bool
	// owed is how many bytes of data are encrypted in out; they count as written when out is empty.
	owed int
	// shut: the output of the socket ends when out is empty.
	shut bool
}

// rawConn is the net.Conn below a tls.Conn.
//
// A read that finds no data returns errNoData, which crypto/tls does not store, so that a later read
// continues, also in the middle of a record. A write takes all data: crypto/tls cannot continue
// after a partial one.
type rawConn struct {
	h         *half
	handshake *handshake // nil after the handshake
	early     []byte     // precedes the data in the socket
	out       *backlog   // encrypted data that the socket has not accepted; nil if empty
}

// noData is the error of a read that would block.
type noData struct{}

// Error returns the text of EAGAIN.
func (noData) Error() string { return unix.EAGAIN.Error() }

// Timeout returns true.
func (noData) Timeout() bool { return true }

// Temporary returns true: crypto/tls keeps no temporary error.
func (noData) Temporary() bool { return true }

var errNoData net.Error = noData{}

// Read returns the early data, then the data in the socket.
func (w *rawConn) Read(b []byte) (int, error) {
	if len(w.early) > 0 {
		n := copy(b, w.early)
		if w.early = w.early[n:]; len(w.early) == 0 {
			w.early = nil
		}
		return n, nil
	}
	if w.handshake != nil {
		return w.handshake.read(b)
	}
	if !w.h.ready {
		return 0, errNoData
	}
	n, e := read(w.h.fd, b)
	switch {
	case e == unix.EAGAIN:
		w.h.ready = false
		return 0, errNoData
	case e != 0:
		return 0, e
	case n == 0:
		return 0, io.EOF
	}
	if n < len(b) && !w.h.hungUp {
		w.h.ready = false
	}
	return n, nil
}

// Write takes all of b. After the handshake the loop collects the data until push.
func (w *rawConn) Write(b []byte) (int, error) {
	if w.handshake == nil {
		l := w.h.c.l
		l.encrypted = append(l.encrypted, b...)
		return len(b), nil
	}
	if e := w.send(b); e != 0 {
		return 0, e
	}
	return len(b), nil
}

// send writes b to the socket, and keeps the data that it does not accept.
func (w *rawConn) send(b []byte) unix.Errno {
	n := 0
	if w.out == nil {
		var e unix.Errno
		if n, e = w.h.write(b); e != 0 && e != unix.EAGAIN {
			return e
		}
	}
	if n < len(b) {
		w.keep(b[n:])
	}
	return 0
}

// keep stores b after the data that waits already. A handshake does not use the loop's pool, because
// a worker may run it.
func (w *rawConn) keep(b []byte) {
	if w.out != nil {
		w.out.data = append(w.out.data, b...)
		return
	}
	if w.handshake != nil {
		w.out = &backlog{}
	} else {
		w.out = w.h.c.l.backlogs.get(len(b))
	}
	w.out.data = append(w.out.room[:0], b...)
}

// Close does nothing: the conn closes its sockets.
func (w *rawConn) Close() error { return nil }

// LocalAddr returns an address without a meaning.
func (w *rawConn) LocalAddr() net.Addr { return &net.UnixAddr{} }

// RemoteAddr returns an address without a meaning. A tls.Config without a ServerName caches no
// sessions.
func (w *rawConn) RemoteAddr() net.Addr { return &net.UnixAddr{} }

// SetDeadline does nothing: the loop's timers end a handshake, and no other call waits.
func (w *rawConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing, like SetDeadline.
func (w *rawConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing, like SetDeadline.
func (w *rawConn) SetWriteDeadline(time.Time) error { return nil }

// holds reports whether encrypted data waits until the socket accepts more. A nil tlsConn has none.
func (t *tlsConn) holds() bool { return t != nil && t.out != nil }

// read reads and decrypts one record, or what is left of the last one. It returns 0 at the end of
// the connection, whether or not the peer has sent close_notify: nginx configures OpenSSL in that
// way. Without data it returns EAGAIN.
func (t *tlsConn) read(b []byte) (int, error) {
	n, err := t.conn.Read(b)
	if e := t.push(); e != 0 && n == 0 && errors.Is(err, errNoData) {
		return 0, e // the response to a key update was not sent
	}
	switch {
	case n > 0:
		t.more = true
		return n, nil
	case errors.Is(err, errNoData):
		t.more = false
		return 0, unix.EAGAIN
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return 0, nil
	}
	return 0, err
}

// fill reads until b is full or no data is left, so that one write can carry several records. An end
// or an error after the first record is found again by the next read.
func (t *tlsConn) fill(b []byte) (int, error) {
	n, err := t.read(b)
	for n > 0 && n < len(b) {
		k, _ := t.read(b[n:])
		if k == 0 {
			return n, nil
		}
		n += k
	}
	return n, err
}

// write encrypts b and offers it to the socket. It takes all of b: call it only while holds is
// false, and check holds after it.
func (t *tlsConn) write(b []byte) error {
	if _, err := t.conn.Write(b); err != nil {
		t.h.c.l.encrypted = t.h.c.l.encrypted[:0]
		return err
	}
	if e := t.push(); e != 0 {
		return e
	}
	return nil
}

// push sends the data that the last calls have encrypted.
func (t *tlsConn) push() unix.Errno {
	l := t.h.c.l
	if len(l.encrypted) == 0 {
		return 0
	}
	e := t.send(l.encrypted)
	l.encrypted = l.encrypted[:0]
	return e
}

// flush writes the data that waits. It returns EAGAIN if some is left.
func (t *tlsConn) flush() unix.Errno {
	for t.out != nil {
		n, e := t.h.write(t.out.data)
		if e != 0 {
			return e
		}
		if t.out.data = t.out.data[n:]; len(t.out.data) == 0 {
			t.dropOut()
		}
	}
	if t.shut {
		shutdownWrite(t.h.fd)
	}
	return 0
}

func (t *tlsConn) dropOut() {
	if t.out != nil {
		t.h.c.l.backlogs.put(t.out)
		t.out = nil
	}
}

// closeWrite sends close_notify, then ends the output of the socket.
func (t *tlsConn) closeWrite() {
	t.conn.CloseWrite()
	t.shut = true
	if t.push() == 0 {
		t.flush()
	}
}

// close ends the handshake or the connection; the latter with close_notify if the socket accepts it.
func (t *tlsConn) close() {
	switch {
	case t.handshake != nil:
		t.handshake.cancel()
	case t.out == nil && !t.shut:
		t.conn.CloseWrite()
		t.push()
	}
	t.dropOut()
}
