package web

import (
	"crypto/tls"

	"weir/internal/certtext"
	"weir/internal/ciphers"
	"weir/internal/tlsconf"
	"weir/stream"
)

// tlsVariables are the variables of ngx_http_ssl_module. They are not found on a plain connection.
//
// See https://nginx.org/en/docs/http/ngx_http_ssl_module.html#variables.
func tlsVariables() []Variable {
	all := []Variable{
		// Those of ngx_http_ssl_static_variable are found even if they are empty.
		tlsVariable("ssl_protocol", func(r *Request) (string, bool) { return tlsconf.VersionName(r.Conn.TLS.Version), true }),
		tlsVariable("ssl_cipher", func(r *Request) (string, bool) { return ciphers.Name(r.Conn.TLS.CipherSuite), true }),
		ofHandshake("ssl_curve", func(s *tls.ConnectionState) string { return tlsconf.GroupName(s.CurveID) }),
		ofHandshake("ssl_session_reused", reused),
		ofHandshake("ssl_server_name", func(s *tls.ConnectionState) string { return s.ServerName }),
		ofHandshake("ssl_alpn_protocol", func(s *tls.ConnectionState) string { return s.NegotiatedProtocol }),
		ofOffer("ssl_ciphers", func(o *stream.TLSOffer) string { return ciphers.Offered(o.CipherSuites) }),
		ofOffer("ssl_curves", func(o *stream.TLSOffer) string { return tlsconf.GroupNames(o.Curves) }),
		ofOffer("ssl_sigalgs", func(o *stream.TLSOffer) string { return tlsconf.SignatureNumbers(o.SignatureSchemes) }),
		tlsVariable("ssl_client_verify", func(r *Request) (string, bool) { return r.clientVerify(), true }),
		ofClient("v_remain", func(r *Request, c certtext.Certificate) string { return c.DaysLeft(r.Env.Now()) }),
		ofClient("s_dn_legacy", func(_ *Request, c certtext.Certificate) string { return c.SubjectLegacy() }),
		ofClient("i_dn_legacy", func(_ *Request, c certtext.Certificate) string { return c.IssuerLegacy() }),
	}
	for name, get := range certtext.Fields {
		all = append(all, ofClient(name, func(_ *Request, c certtext.Certificate) string { return get(c) }))
	}
	return all
}

func tlsVariable(name string, get func(*Request) (string, bool)) Variable {
	return Variable{Name: name, Changeable: true, Get: func(r *Request) (string, bool) {
		if r.Conn.TLS == nil {
			return "", false
		}
		return get(r)
	}}
}

// ofHandshake returns a variable that is not found if it is empty, as those of ngx_http_ssl_variable.
func ofHandshake(name string, get func(*tls.ConnectionState) string) Variable {
	return tlsVariable(name, func(r *Request) (string, bool) {
		text := get(r.Conn.TLS)
		return text, text != ""
	})
}

// ofOffer returns a variable with a list of the ClientHello.
func ofOffer(name string, get func(*stream.TLSOffer) string) Variable {
	return tlsVariable(name, func(r *Request) (string, bool) {
		text := get(&r.Conn.Offer)
		return text, text != ""
	})
}

// ofClient returns the variable ssl_client_NAME with a value of the client's certificate.
func ofClient(name string, get func(*Request, certtext.Certificate) string) Variable {
	return tlsVariable("ssl_client_"+name, func(r *Request) (string, bool) {
		if len(r.Conn.TLS.PeerCertificates) == 0 {
			return "", false
		}
		text := get(r, r.Conn.TLS.PeerCertificates[0].Raw)
		return text, text != ""
	})
}

func reused(s *tls.ConnectionState) string {
	if s.DidResume {
		return "r"
	}
	return "."
}

// clientVerify follows ngx_ssl_get_client_verify. A certificate that no setting can verify any more is not
// verified.
func (r *Request) clientVerify() string {
	has := len(r.Conn.TLS.PeerCertificates) > 0
	return tlsconf.ClientVerify(r.Conn.verify(r.verifier()), has)
}

// verifier returns what verifies clients of the server, or of the one whose name the handshake has; nil if both
// ask for no certificate.
func (r *Request) verifier() *tlsconf.Verifier {
	if t := r.Server.TLS; t != nil && t.Verifier != nil {
		return t.Verifier
	}
	if t := r.listen.tlsOf(r.listen.serverOf(r.Conn.TLS.ServerName)); t != nil {
		return t.Verifier
	}
	return nil
}
