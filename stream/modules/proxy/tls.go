package proxy

import (
	"crypto/tls"
	"errors"
	"strings"
	"syscall"
	"time"

	"weir/internal/errorlog"
	"weir/internal/tlsconf"
	"weir/stream"
	"weir/stream/upstream"
)

// TLS contains the settings of TLS to the servers. All sessions of a server block share it.
type TLS struct {
	Client      *tlsconf.Client
	Verifier    *tlsconf.Verifier // nil does not verify servers
	Name        *stream.Template  // proxy_ssl_name; nil uses the host of proxy_pass
	SendName    bool              // proxy_ssl_server_name
	ALPN        []stream.Template // proxy_ssl_alpn, unless FixedALPN is set
	FixedALPN   []string          // proxy_ssl_alpn without variables
	Certificate *Certificate      // nil uses that of Client, if it has one
	Reuse       bool              // proxy_ssl_session_reuse
}

// A Certificate is a proxy_ssl_certificate with variables.
type Certificate struct {
	File, Key stream.Template
	Load      func(file, key string, now time.Time) (tls.Certificate, error)
}

// handshake is the state of the TLS handshake of one attempt.
type handshake struct {
	begun bool        // the connection is up, and the handshake is not done
	name  string      // the name that the server's certificate must have
	local stream.Addr // of the connection
}

// longestServerName is OpenSSL's TLSEXT_MAXLEN_host_name.
const longestServerName = 255

func (r *run) withTLS(s *stream.Session) bool { return r.TLS != nil && !s.UDP() }

// handshaking reports whether the session waits for the end of a handshake.
func (r *run) handshaking() bool { return r.attempt != nil && r.attempt.shake.begun }

// handshake begins the handshake with the server. It follows ngx_stream_proxy_ssl_init_connection.
func (r *run) handshake(s *stream.Session, local stream.Addr) stream.Step {
	a := r.attempt
	a.shake = handshake{begun: true, local: local}
	own, err := r.connection(s)
	if err != nil {
		s.Log(stream.LevelError, err.Error(), nil)
		s.SetEnding(stream.InternalError)
		return r.finish(s, stream.StatusInternal)
	}
	step := stream.Step{Do: stream.HandshakeUpstream, Out: a.out[a.header:], Deadline: s.Env.Now().Add(r.ConnectTimeout)}
	if c := r.TLS.Certificate; c != nil {
		step.Prepare = c.prepare(s, r.TLS.Client, own)
	}
	if step.Prepare == nil {
		step.TLS = r.TLS.Client.Config(own)
	}
	s.SetLogAction(stream.HandshakingUpstream)
	return step
}

// connection returns the settings of the session's connection, without its certificate.
func (r *run) connection(s *stream.Session) (own tlsconf.Connection, err error) {
	serverName := ""
	if r.TLS.SendName || r.TLS.Verifier != nil {
		r.attempt.shake.name = r.TLS.serverName(s, r.attempt.group)
	}
	if r.TLS.SendName {
		serverName = requestedName(r.attempt.shake.name)
	}
	if len(serverName) > longestServerName {
		return own, errors.New("SSL_set_tlsext_host_name(\"" + errorlog.Quote(serverName) +
			"\") failed (SSL: error:0A00013F:SSL routines::ssl3 ext invalid servername)")
	}
	own = tlsconf.Connection{ServerName: serverName, ALPN: r.TLS.protocols(s)}
	if r.TLS.Reuse {
		own.Sessions = r.peer.TLSSessions()
	}
	return own, nil
}

// serverName returns proxy_ssl_name, or the name of the group, without a port. It follows
// ngx_stream_proxy_ssl_name.
func (t *TLS) serverName(s *stream.Session, group *upstream.Group) string {
	if t.Name != nil {
		return withoutPort(t.Name.Eval(s))
	}
	return withoutPort(trimUnix(group.Name))
}

// WithoutSession returns the name that the certificate of a server of the group must have, and the
// settings of a connection that belongs to no session. Values with variables count as not given.
func (t *TLS) WithoutSession(group *upstream.Group) (name string, own tlsconf.Connection) {
	name = withoutPort(trimUnix(group.Name))
	if t.Name != nil && !t.Name.HasVariables() {
		name = withoutPort(t.Name.Text())
	}
	if t.SendName {
		own.ServerName = requestedName(name)
	}
	own.ALPN = t.FixedALPN
	return name, own
}

// trimUnix removes the prefix of a unix socket: nginx takes its path as the host.
func trimUnix(name string) string {
	const prefix = "unix:"
	if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
		return name[len(prefix):]
	}
	return name
}

// withoutPort returns name up to the first colon after an address in brackets.
func withoutPort(name string) string {
	start := 0
	if strings.HasPrefix(name, "[") {
		start = max(strings.IndexByte(name, ']'), 0)
	}
	if i := strings.IndexByte(name[start:], ':'); i >= 0 {
		return name[:start+i]
	}
	return name
}

// requestedName returns the name that is sent to the server. As RFC 6066 demands, an address is not
// sent.
func requestedName(name string) string {
	name, _, _ = strings.Cut(name, "\x00")
	if strings.HasPrefix(name, "[") || stream.ParseIP(name).Is4() {
		return ""
	}
	return name
}

// protocols returns the names of proxy_ssl_alpn for the session. It follows
// ngx_stream_proxy_ssl_alpn.
func (t *TLS) protocols(s *stream.Session) (names []string) {
	if t.FixedALPN != nil {
		return t.FixedALPN
	}
	for i := range t.ALPN {
		if name := t.ALPN[i].Eval(s); name != "" && len(name) <= tlsconf.MaxALPN {
			names = append(names, name)
		}
	}
	return names
}

// A certificateError is the reason why a certificate could not be loaded.
type certificateError struct{ error }

// prepare returns the function that loads the certificate for the session's connection, or nil if there is
// none because the value is empty. It follows ngx_stream_proxy_ssl_certificate.
func (c *Certificate) prepare(s *stream.Session, client *tlsconf.Client, own tlsconf.Connection) func() (*tls.Config, error) {
	file := c.File.Eval(s)
	if file == "" {
		return nil
	}
	key, now := c.Key.Eval(s), s.Env.Now()
	return func() (*tls.Config, error) {
		loaded, err := c.Load(file, key, now)
		if err != nil {
			return nil, certificateError{err}
		}
		own.Certificate = &loaded
		return client.Config(own), nil
	}
}

// handshakeDone verifies the server, also that of a resumed session, and starts the relay. It
// follows ngx_stream_proxy_ssl_handshake.
func (r *run) handshakeDone(s *stream.Session, ev stream.Event) stream.Step {
	s.SetUpstreamTLS()
	r.countHandshake(s, ev)
	shake := &r.attempt.shake
	if v := r.TLS.Verifier; v != nil {
		if err := tlsconf.CheckUpstream(*ev.TLS, v, shake.name); err != nil {
			r.countRefusal(s, err)
			s.Log(stream.LevelError, err.Error(), nil)
			return r.nextAfterHandshake(s)
		}
	}
	return r.established(s, shake.local)
}

// handshakeFailed tries another server, unless the certificate was not loaded, or the PROXY header was
// not sent: see ngx_stream_proxy_send_proxy_protocol.
func (r *run) handshakeFailed(s *stream.Session, ev stream.Event) stream.Step {
	var errno syscall.Errno
	certificate, isLocal := errors.AsType[certificateError](ev.Err)
	switch {
	case isLocal:
		s.SetLogAction(stream.Connecting)
		s.Log(stream.LevelError, certificate.Error(), nil)
		return r.finish(s, stream.StatusInternal)
	case !errors.Is(ev.Err, stream.ErrUnsent):
		r.countHandshake(s, ev)
		s.LogFailure(ev)
		return r.nextAfterHandshake(s)
	case errors.As(ev.Err, &errno):
		s.SetLogAction(stream.Connecting)
		s.LogFailure(stream.Event{Kind: stream.Failed, Side: ev.Side, Op: stream.OpSend, Err: errno})
		s.SetEnding(stream.BrokerReset)
		return r.finish(s, stream.StatusOK)
	}
	s.SetLogAction(stream.Connecting)
	s.Log(stream.LevelError, stream.ErrUnsent.Error(), nil)
	s.SetEnding(stream.InternalError)
	return r.finish(s, stream.StatusInternal)
}

// nextAfterHandshake tries another server after a handshake or its verification has failed. The
// bytes that were sent to this server do not count for the next one.
func (r *run) nextAfterHandshake(s *stream.Session) stream.Step {
	s.SetEnding(stream.BrokerHandshakeFailed)
	step := r.nextUpstream(s, upstream.Failed)
	if step.Do != stream.Finish {
		s.Traffic.ToUpstream.Store(0)
	}
	return step
}
