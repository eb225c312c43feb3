package webserver

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"weir/internal/errorlog"
	"weir/internal/proxyproto"
	"weir/stream"
	"weir/web"
)

// A conn is an accepted connection, below its TLS.
type conn struct {
	net.Conn
	hub    *Hub
	info   *web.Conn
	secure *tls.Conn // the TLS of the connection; nil for a plain one

	shaking bool // the handshake has not ended
	arrived bool // data has arrived, other than a PROXY header

	readsProxy bool   // the PROXY header is still to be read
	rest       []byte // the data after it

	headerTimeout time.Duration
	idleTimeout   time.Duration
	writeTimeout  time.Duration
	isIdle        bool        // the next time limit is that between two requests
	reading       bool        // counted as reading a header
	interrupted   atomic.Bool // net/http interrupts its own read
	failed        atomic.Bool // a read between requests has failed
	closed        atomic.Bool
	serving       atomic.Pointer[web.Config] // of the request in progress; nil between requests
}

func (h *Hub) newConn(raw net.Conn) *conn {
	c := &conn{Conn: raw, hub: h}
	c.info = &web.Conn{
		ID: h.env.NextID(), Client: addrOf(raw.RemoteAddr()), Local: addrOf(raw.LocalAddr()),
		ReadWithin: c.readWithin, WriteWithin: func(d time.Duration) { c.writeTimeout = d },
		IdleFor: func(d time.Duration) { c.idleTimeout = d },
	}
	h.env.Counters.Handled.Add(1)
	h.env.Counters.Active.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns[c] = struct{}{}
	return c
}

// addrOf converts an address of package net.
func addrOf(a net.Addr) stream.Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return stream.Addr{IP: a.AddrPort()}
	case *net.UnixAddr:
		return stream.UnixAddr(a.Name)
	}
	return stream.UnixAddr("")
}

// connOf returns the conn of a connection that net/http knows.
func connOf(c net.Conn) *conn {
	if encrypted, ok := c.(*tls.Conn); ok {
		c = encrypted.NetConn()
	}
	return c.(*conn)
}

// Close closes the connection, and counts it as closed once.
func (c *conn) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		c.hub.env.Counters.Active.Add(-1)
		c.hub.mu.Lock()
		delete(c.hub.conns, c)
		c.hub.mu.Unlock()
	}
	return c.Conn.Close()
}

// changeState follows the life of a connection for the counters and the time limits.
func changeState(raw net.Conn, state http.ConnState) {
	c := connOf(raw)
	switch state {
	case http.StateActive:
		c.setReading(true)
	case http.StateIdle:
		c.isIdle = true
	case http.StateClosed, http.StateHijacked:
		c.setReading(false)
		c.endHandshake()
	}
}

// setReading counts the connection among those whose header is being read.
func (c *conn) setReading(on bool) {
	if c.reading == on {
		return
	}
	c.reading = on
	if on {
		c.hub.env.Counters.Reading.Add(1)
		return
	}
	c.hub.env.Counters.Reading.Add(-1)
}

// begin notes that a request is served by the configuration of listen.
func (c *conn) begin(listen *web.Listen) {
	c.setReading(false)
	c.hub.env.Counters.Current.Add(1)
	c.serving.Store(listen.Config)
	c.headerTimeout = listen.Default.HeaderTimeout
}

func (c *conn) end() {
	c.serving.Store(nil)
	c.hub.env.Counters.Current.Add(-1)
}

// SetReadDeadline sets the time limit that belongs to the present state in place of those of net/http, which
// are the same for all configurations. A time in the past interrupts a read.
func (c *conn) SetReadDeadline(t time.Time) error {
	past := !t.IsZero() && !t.After(time.Now())
	c.interrupted.Store(past)
	if t.IsZero() {
		c.endHandshake() // net/http removes the time limit of the handshake after it
	}
	if t.IsZero() || past {
		return c.Conn.SetReadDeadline(t)
	}
	d := c.headerTimeout
	if c.isIdle {
		c.isIdle, d = false, c.idleTimeout
	}
	return c.Conn.SetReadDeadline(time.Now().Add(d))
}

// endHandshake counts the end of the handshake, once. As in nginx, a client that has sent nothing or a plain request
// has not begun one.
func (c *conn) endHandshake() {
	if !c.shaking {
		return
	}
	c.shaking = false
	if err := c.secure.Handshake(); err != nil { // the error that it has failed with
		if c.arrived {
			c.hub.env.CountFailedHandshake(c.info, err)
		}
		return
	}
	c.hub.env.CountHandshake(c.info, c.secure.ConnectionState().DidResume)
}

// SetDeadline is called for handshakes.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.Conn.SetWriteDeadline(t)
}

// readWithin limits the time of the next read; 0 is no limit.
func (c *conn) readWithin(d time.Duration) {
	if d == 0 {
		c.Conn.SetReadDeadline(time.Time{})
		return
	}
	c.Conn.SetReadDeadline(time.Now().Add(d))
}

// Read reads, after the PROXY header if the address demands one.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.read(b)
	if err != nil && c.serving.Load() == nil && !c.interrupted.Load() {
		c.failed.Store(true)
	}
	return n, err
}

func (c *conn) read(b []byte) (int, error) {
	if c.readsProxy {
		if err := c.readProxy(); err != nil {
			return 0, err
		}
		c.readsProxy = false
	}
	if len(c.rest) > 0 {
		n := copy(b, c.rest)
		c.rest, c.arrived = c.rest[n:], true
		return n, nil
	}
	n, err := c.Conn.Read(b)
	c.arrived = c.arrived || n > 0
	return n, err
}

var errProxyHeader = errors.New("no PROXY header")

// readProxy reads the PROXY header, which may arrive in parts.
func (c *conn) readProxy() error {
	room := make([]byte, 0, proxyproto.MaxHeader)
	for {
		n, err := c.Conn.Read(room[len(room):cap(room)])
		if err != nil {
			return err
		}
		room = room[:len(room)+n]
		if proxyproto.Partial(room) && len(room) < cap(room) {
			continue
		}
		header, length, err := proxyproto.Parse(room)
		if err != nil {
			c.logProxy(err)
			return errProxyHeader
		}
		c.info.Proxy, c.rest = header, room[length:]
		return nil
	}
}

func (c *conn) logProxy(err error) {
	if errors.Is(err, proxyproto.ErrSilent) {
		return
	}
	c.hub.env.Log.Write(errorlog.Error, c.info.ID, err.Error()+" while reading PROXY protocol, client: "+c.info.Client.Host()+
		", server: "+c.info.Local.String())
}

// Write writes, within send_timeout. It replaces the texts by which net/http refuses requests that it cannot
// parse.
func (c *conn) Write(b []byte) (int, error) {
	if c.serving.Load() == nil {
		if page := refusal(b, c.secure != nil); page != nil {
			c.shaking = false
			return len(b), c.refuse(page)
		}
	}
	if c.writeTimeout > 0 {
		c.Conn.SetWriteDeadline(time.Now().Add(c.writeTimeout))
	}
	return c.Conn.Write(b)
}

// refuse writes the answer to a request that cannot be parsed. As in nginx there is none if the request is not
// complete.
func (c *conn) refuse(page []byte) error {
	if c.failed.Load() {
		return nil
	}
	_, err := c.Conn.Write(page)
	return err
}

// plainText begins the answer of net/http to a plain request on a connection with TLS.
var plainText = []byte("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.")

// nginx's own statuses.
const (
	statusLargeHeader = 494
	statusPlainToTLS  = 497
)

// refusals are the beginnings of the answers of net/http to requests that it cannot parse, and the statuses of
// nginx.
var refusals = []struct {
	begin  []byte
	status int
}{
	{[]byte("HTTP/1.1 400 "), http.StatusBadRequest},
	{[]byte("HTTP/1.1 431 "), statusLargeHeader},
	{[]byte("HTTP/1.1 501 "), http.StatusNotImplemented},
	{[]byte("HTTP/1.1 505 "), http.StatusHTTPVersionNotSupported},
}

// refusalHeader is the header of these answers. The responses of locations begin with another one.
var refusalHeader = []byte("Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

// refusal returns nginx's page for an answer of net/http; nil for any other data.
func refusal(b []byte, hasTLS bool) []byte {
	if hasTLS {
		if bytes.HasPrefix(b, plainText) {
			return web.RefusalPage(statusPlainToTLS)
		}
		return nil
	}
	line, rest, _ := bytes.Cut(b, []byte("\r\n"))
	if !bytes.HasPrefix(rest, refusalHeader) {
		return nil // the response of a location
	}
	for _, r := range refusals {
		if bytes.HasPrefix(line, r.begin) {
			return web.RefusalPage(r.status)
		}
	}
	return nil
}
