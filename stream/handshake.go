package stream

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"weir/internal/errorlog"
	"weir/internal/tlserror"
)

// ServerTLS contains the settings of a server for handshakes with its clients. All sessions share
// it; it must not change.
//
// See https://nginx.org/en/docs/stream/ngx_stream_ssl_module.html.
type ServerTLS struct {
	// Config is for the handshakes that request a name of this server. nil means that the server
	// has no certificate: its handshakes use the Config of their address's default server, which is
	// never nil.
	Config  *tls.Config
	Timeout time.Duration // ssl_handshake_timeout
	Reject  bool          // ssl_reject_handshake
	// Verify checks the client's certificate after the handshake, and returns its chain. Both are nil
	// if the client has sent none. nil does not check.
	Verify func(tls.ConnectionState) ([]*x509.Certificate, *VerifyError)
	// Status asks for the status of the certificates in a chain that Verify has trusted. It returns nil
	// and the result if this is known. nil does not ask.
	Status func(s *Session, chain []*x509.Certificate) (*StatusQuery, *VerifyError)
	// ReadsFiles means that callbacks of Config read files.
	ReadsFiles bool
	// KeepOffer keeps the lists of the ClientHello in TLSState.Offer.
	KeepOffer bool

	only *x509.Certificate // the certificate of Config if it has one only
}

// ReadsFiles reports whether handshakes with the server's clients read files.
func (s *Server) ReadsFiles() bool { return s.TLS != nil && s.TLS.ReadsFiles }

// NewServerTLS returns the settings of a server with that configuration, which it takes over: a
// handshake that begins with config continues with the server of the requested name. config may be
// nil.
func NewServerTLS(config *tls.Config, timeout time.Duration) *ServerTLS {
	s := &ServerTLS{Config: config, Timeout: timeout}
	if config != nil {
		if len(config.Certificates) == 1 {
			s.only = config.Certificates[0].Leaf
		}
		config.GetConfigForClient = configForClient
		recordChoice(config)
	}
	return s
}

// A StatusQuery is a question about the status of a client's certificates.
type StatusQuery struct {
	Lookup Lookup
	// Result returns the result, once the Lookup has an answer: nil if the certificates are good.
	Result func(*Session) *VerifyError
}

// A VerifyError is the reason why a certificate is not trusted.
type VerifyError struct {
	Code int    // OpenSSL's, as nginx logs it; 0 for a reason that only the status of the certificate gives
	Text string // OpenSSL's or nginx's, as in $ssl_client_verify
}

// Error returns the reason as nginx logs it.
func (e *VerifyError) Error() string {
	if e.Code == 0 {
		return e.Text
	}
	return fmt.Sprintf("(%d:%s)", e.Code, e.Text)
}

// A TLSState is the part of a client's handshake that variables and logs use. It does not refer to
// the tls.ConnectionState, because a session can last for weeks.
type TLSState struct {
	Version     uint16 // 0 until the handshake is done
	CipherSuite uint16
	Curve       tls.CurveID // 0 for a key exchange without a curve
	Resumed     bool
	rejected    bool // by ServerTLS.Reject

	asked       *StatusQuery // while the session waits for the status of the client's certificate
	ServerName  string       // as requested; known before the handshake is done, unless it is rejected
	ALPN        string       // empty if no protocol was negotiated
	Certificate []byte       // the client's own certificate in DER, or nil
	VerifyError *VerifyError // nil if Certificate is trusted, was not verified, or is nil
	Offer       *TLSOffer    // nil unless ServerTLS.KeepOffer is set

	// Own is the server's certificate. It is nil if the handshake has resumed a session of TLS 1.3 and the
	// server chooses among several.
	Own *x509.Certificate
}

// A TLSOffer contains the lists of a ClientHello, in the client's order.
type TLSOffer struct {
	CipherSuites     []uint16
	Curves           []tls.CurveID
	SignatureSchemes []tls.SignatureScheme
}

// recordChoice makes the choice of a certificate set TLSState.Own.
func recordChoice(config *tls.Config) {
	choose := config.GetCertificate
	if choose == nil {
		return
	}
	config.Certificates = nil // crypto/tls does not call GetCertificate in each handshake otherwise
	config.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		chosen, err := choose(hello)
		if chosen != nil {
			SessionOf(hello.Context()).TLS.Own = chosen.Leaf
		}
		return chosen, err
	}
}

// sessionKey is the key of the session in a handshake's context.
type sessionKey struct{}

// WithSession returns the context of a handshake of s. The callbacks of the handshake run while its
// driver holds s.
func WithSession(ctx context.Context, s *Session) context.Context {
	return context.WithValue(ctx, sessionKey{}, s)
}

// SessionOf returns the session whose handshake has that context, or nil. The callbacks of a
// tls.Config use it.
func SessionOf(ctx context.Context) *Session {
	s, _ := ctx.Value(sessionKey{}).(*Session)
	return s
}

// needsHandshake reports whether the session's address begins with a handshake that the session has
// not had. A session that was passed to the address after its handshake has no second one, as in
// nginx.
func (s *Session) needsHandshake() bool { return s.TLS == nil && s.arrival().TLS }

// beginHandshake follows ngx_stream_ssl_init_connection.
func (s *Session) beginHandshake() Step {
	s.stage, s.doing, s.TLS = handshaking, Handshaking, &TLSState{}
	set := s.Server.TLS
	s.deadline = s.Elapsed() + set.Timeout
	return Step{Do: HandshakeClient, TLS: set.Config, Slow: s.arrival().ReadsFiles, Deadline: s.Env.Now().Add(set.Timeout)}
}

// endHandshake follows ngx_stream_ssl_handshake_handler: after a handshake the handlers of the
// phase run, those of the server that the client's name has selected. nginx does not log a timeout.
func (s *Session) endHandshake(ev Event) Step {
	s.countHandshake(ev)
	switch ev.Kind {
	case HandshakeDone:
		s.TLS.fill(ev.TLS)
		return s.verifyClient(ev.TLS)
	case TimedOut:
		s.SetEnding(HandshakeTimeout)
	case Failed:
		s.LogFailure(ev)
		s.SetEnding(HandshakeFailed)
	case Aborted:
		return s.shutdown()
	}
	return s.Finish(StatusInternal)
}

// verifyClient verifies the client's certificate, if it has sent one, and asks for its status. It
// follows ngx_ssl_ocsp_validate: a resumed session is treated like a full handshake.
func (s *Session) verifyClient(state *tls.ConnectionState) Step {
	set := s.settingsFor(s.Server.TLS)
	if set.Verify == nil {
		return s.verified(nil)
	}
	chain, err := set.Verify(*state)
	if err != nil || chain == nil || set.Status == nil {
		return s.verified(err)
	}
	query, err := set.Status(s, chain)
	if query == nil {
		return s.verified(err)
	}
	s.stage, s.TLS.asked = asking, query
	return Step{Do: Resolve, Lookup: query.Lookup, Deadline: s.Env.Now().Add(s.deadline - s.Elapsed())}
}

// verified continues with the handlers of the phase.
func (s *Session) verified(err *VerifyError) Step {
	s.TLS.VerifyError, s.TLS.asked, s.deadline = err, nil, 0
	return s.walk()
}

// endStatus continues once the status of the client's certificate is known. As in nginx, the time for
// the handshake limits the question as well, and its end is not logged.
func (s *Session) endStatus(ev Event) Step {
	switch ev.Kind {
	case Resolved:
		return s.verified(s.TLS.asked.Result(s))
	case EOF, Bytes:
		return Step{}
	case TimedOut:
		s.SetEnding(HandshakeTimeout)
	case Failed:
		s.LogFailure(ev)
		s.SetEnding(ClientReset)
	case Aborted:
		return s.shutdown()
	}
	return s.Finish(StatusInternal)
}

// fill copies what is known after the handshake.
func (t *TLSState) fill(c *tls.ConnectionState) {
	t.Version, t.CipherSuite, t.Curve, t.Resumed = c.Version, c.CipherSuite, c.CurveID, c.DidResume
	t.ServerName, t.ALPN = c.ServerName, c.NegotiatedProtocol
	if len(c.PeerCertificates) > 0 {
		t.Certificate = bytes.Clone(c.PeerCertificates[0].Raw) // Raw is a part of the whole message
	}
}

// rejecting makes a handshake fail with the alert unrecognized_name, because it has no certificate.
// It resumes no session either.
var rejecting = &tls.Config{SessionTicketsDisabled: true}

// configForClient selects the session's server by the name in the ClientHello, and returns the
// configuration to continue the handshake with; nil keeps the one of the default server. It follows
// ngx_stream_ssl_servername.
func configForClient(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	s := SessionOf(hello.Context())
	s.SelectServer(hello.ServerName)
	set := s.Server.TLS
	if set.KeepOffer {
		s.TLS.Offer = &TLSOffer{hello.CipherSuites, hello.SupportedCurves, hello.SignatureSchemes}
	}
	if set.Reject {
		s.TLS.rejected = true
		return rejecting, nil
	}
	s.TLS.ServerName = hello.ServerName
	s.TLS.Own = s.settingsFor(set).only
	return set.Config, nil
}

// settingsFor returns the settings of a handshake that requests a name of the server with set: those
// of the address's default server if the server has no certificate.
func (s *Session) settingsFor(set *ServerTLS) *ServerTLS {
	if set.Config != nil {
		return set
	}
	return s.arrival().Default.TLS
}

// logHandshakeFailure follows the end of ngx_ssl_handshake, with OpenSSL's texts for the errors of
// crypto/tls.
func (s *Session) logHandshakeFailure(ev Event) {
	level := failureLevel(ev.Side, ev.Err)
	var errno syscall.Errno
	switch {
	case errors.As(ev.Err, &errno):
		s.Log(level, "peer closed connection in SSL handshake", errno)
	case errors.Is(ev.Err, io.EOF), errors.Is(ev.Err, io.ErrUnexpectedEOF):
		s.Log(level, "peer closed connection in SSL handshake", nil)
	case ev.Side == ClientSide && s.TLS != nil && s.TLS.rejected:
		s.Log(level, "handshake rejected", nil)
	default:
		s.logOpenSSL(level, ev.Op.String(), ev.Err)
	}
}

// logTLSFailure logs a failure after a handshake. It follows ngx_ssl_recv and ngx_ssl_write: a
// connection that is broken while it is read has ended, as for OpenSSL without an error of its own.
func (s *Session) logTLSFailure(ev Event) {
	call := ev.Op.String()
	switch ev.Op {
	case OpRecv:
		call = "SSL_read()"
	case OpSend:
		call = "SSL_write()"
	}
	var errno syscall.Errno
	level := failureLevel(ev.Side, ev.Err)
	switch isSystem := errors.As(ev.Err, &errno); {
	case !isSystem:
		s.logOpenSSL(level, call, ev.Err)
	case ev.Op != OpRecv:
		s.Log(level, call+" failed", errno)
	}
}

// logOpenSSL logs an error of TLS. It follows ngx_ssl_connection_error.
func (s *Session) logOpenSSL(level errorlog.Level, call string, err error) {
	text, isCritical := tlserror.OpenSSL(err)
	if isCritical {
		level = LevelCrit
	}
	s.Log(level, call+" failed", errors.New("SSL: "+text))
}
