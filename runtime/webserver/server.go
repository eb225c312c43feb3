// Package webserver accepts HTTP connections on open sockets and passes their requests to package web.
package webserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
	"weir/stream"
	"weir/web"
)

// distant is a time limit of net/http that a connection replaces by its own.
const distant = 24 * time.Hour

// maxHeader limits the header of a request: nginx's default of large_client_header_buffers, 4 buffers of 8k.
const maxHeader = 32 << 10

// A Hub knows all connections of a process. It is safe for concurrent use.
type Hub struct {
	env   *web.Env
	limit func() int // of open connections

	mu    sync.Mutex
	conns map[*conn]struct{}
}

// NewHub returns a Hub without connections. limit returns the number of connections that may be open.
func NewHub(env *web.Env, limit func() int) *Hub {
	return &Hub{env: env, limit: limit, conns: map[*conn]struct{}{}}
}

// Counters returns the counters of all connections and requests of the process.
func (h *Hub) Counters() *web.Counters { return h.env.Counters }

// Abort closes the connections whose request belongs to a configuration that matches; nil matches all
// connections, also those without a request.
func (h *Hub) Abort(match func(*web.Config) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		if config := c.serving.Load(); match == nil || config != nil && match(config) {
			c.Conn.Close()
		}
	}
}

// A Server serves the sockets of one address. It outlives configurations: each connection and each request
// asks for the present one. It is safe for concurrent use.
type Server struct {
	*Hub
	admit  func() (*web.Listen, stream.Lease)
	server *http.Server
	accept sync.WaitGroup
}

// New returns a Server that serves nothing yet. admit returns the listen of the address in the present
// configuration, and the lease that holds that configuration; nil if the address was removed.
func (h *Hub) New(admit func() (*web.Listen, stream.Lease)) *Server {
	s := &Server{Hub: h, admit: admit}
	s.server = &http.Server{
		Handler: http.HandlerFunc(s.handle), ReadHeaderTimeout: distant, IdleTimeout: distant, MaxHeaderBytes: maxHeader,
		ErrorLog: log.New(io.Discard, "", 0), ConnState: changeState, DisableGeneralOptionsHandler: true,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, connOf(c))
		},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2
	}
	return s
}

// connKey is the key of the *conn in the context of its requests.
type connKey struct{}

// Serve begins to accept on listening sockets. It duplicates the descriptors.
func (s *Server) Serve(fds []int) error {
	for _, fd := range fds {
		l, err := listenerOf(fd)
		if err != nil {
			return err
		}
		s.accept.Go(func() { s.server.Serve(&acceptor{l, s}) })
	}
	return nil
}

func listenerOf(fd int) (net.Listener, error) {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(own), "listener")
	defer f.Close()
	return net.FileListener(f)
}

// Shutdown stops accepting and closes idle connections. Requests in progress end by themselves, and their
// connections after them. It returns once no accept is in progress.
func (s *Server) Shutdown() {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	s.server.Shutdown(now)
	s.accept.Wait()
}

// handle serves a request by the present configuration.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	listen, lease := s.admit()
	if listen == nil {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer lease.Release()
	listen = listen.At(c.info.Local.IP.Addr())
	c.info.TLS = r.TLS
	c.begin(listen)
	defer c.end()
	defer s.recovered(c.info.ID)
	web.Serve(s.env, listen, c.info, w, r)
}

// recovered logs a panic, and closes the connection without more.
func (s *Server) recovered(id uint64) {
	reason := recover()
	if reason == nil {
		return
	}
	if err, ok := reason.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
		s.env.Log.Write(errorlog.Alert, id, fmt.Sprintf("panic: %v %s", reason, debug.Stack()))
	}
	panic(http.ErrAbortHandler)
}

// An acceptor is a listener whose connections know their address and their time limits.
type acceptor struct {
	net.Listener
	server *Server
}

// Accept returns the next connection that is served.
func (a *acceptor) Accept() (net.Conn, error) {
	for {
		raw, err := a.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := a.server.welcome(raw); c != nil {
			return c, nil
		}
		raw.Close()
	}
}

// welcome returns the connection to serve; nil if it must be closed.
func (s *Server) welcome(raw net.Conn) net.Conn {
	counters := s.env.Counters
	counters.Accepted.Add(1)
	if limit := s.limit(); counters.Active.Load() >= int64(limit) {
		s.env.Log.Write(errorlog.Alert, 0, fmt.Sprintf("%d worker_connections are not enough", limit))
		return nil
	}
	listen, lease := s.admit()
	if listen == nil {
		return nil
	}
	defer lease.Release()
	c := s.newConn(raw)
	listen = listen.At(c.info.Local.IP.Addr())
	c.readsProxy = listen.ProxyProtocol
	c.headerTimeout = listen.Default.HeaderTimeout
	if !listen.TLS {
		return c
	}
	c.secure, c.shaking = tls.Server(c, listen.TLSConfig(c.info)), true
	return c.secure
}
