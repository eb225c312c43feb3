package web

import (
	"crypto/tls"
	"net/http"

	"weir/internal/hostname"
	"weir/internal/tlsconf"
	"weir/stream"
)

// TLS contains the settings of a server for handshakes with its clients. It must not change.
type TLS struct {
	// Config is for the handshakes that request a name of this server. nil means that the server has no
	// certificate: its handshakes use the Config of the default server.
	Config *tls.Config
	Reject bool // ssl_reject_handshake
	Mode   tlsconf.VerifyMode
	// Verifier verifies the certificates of clients; needed unless Mode is VerifyOff.
	Verifier *tlsconf.Verifier
}

// rejecting makes a handshake fail with the alert unrecognized_name.
var rejecting = &tls.Config{SessionTicketsDisabled: true}

// TLSConfig returns the configuration for the connection c to the listen. The handshake sets what c knows of it.
func (l *Listen) TLSConfig(c *Conn) *tls.Config {
	c.zone = l.Default.Zone
	return &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		c.Offer = stream.TLSOffer{
			CipherSuites: hello.CipherSuites, Curves: hello.SupportedCurves, SignatureSchemes: hello.SignatureSchemes,
		}
		server := l.serverOf(hello.ServerName)
		c.zone = server.Zone
		set := l.tlsOf(server)
		if set == nil || set.Reject {
			return rejecting, nil
		}
		return set.Config, nil
	}}
}

// serverOf returns the server of a name in a ClientHello.
func (l *Listen) serverOf(text string) *Server {
	name, ok := hostname.Normalize(text)
	if !ok {
		name = ""
	}
	return l.Find(nil, name)
}

// tlsOf returns the settings for the handshake with a server.
func (l *Listen) tlsOf(s *Server) *TLS {
	if s.TLS == nil || s.TLS.Config == nil && !s.TLS.Reject {
		return l.Default.TLS
	}
	return s.TLS
}

// nginx's own statuses for problems with certificates.
const (
	statusCertificateError = 495
	statusNoCertificate    = 496
)

// check follows the second half of ngx_http_process_request: it refuses a request without the certificate that
// the server demands, and one whose handshake was for another server. It returns 0 if there is no objection.
func (t *TLS) check(r *Request) int {
	state := r.Conn.TLS
	if t.Mode == tlsconf.VerifyOff {
		return 0
	}
	if asked := r.listen.serverOf(state.ServerName); state.ServerName != "" && asked != r.Server {
		r.LogInfo("client attempted to request the server name different from the one that was negotiated")
		return http.StatusMisdirectedRequest
	}
	has := len(state.PeerCertificates) > 0
	result := r.Conn.verify(t.Verifier)
	err := t.Mode.Check(result, has)
	if err == nil {
		return 0
	}
	r.LogInfo(err.Error())
	r.countRefused(result, has)
	if has {
		return statusCertificateError
	}
	return statusNoCertificate
}
