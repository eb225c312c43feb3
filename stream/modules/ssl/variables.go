package ssl

import (
	"weir/internal/certtext"
	"weir/internal/ciphers"
	"weir/internal/tlsconf"
	"weir/stream"
)

// OfferVariables are the names of the variables that show lists of the ClientHello: a server whose
// configuration uses one needs stream.ServerTLS.KeepOffer.
var OfferVariables = []string{"ssl_ciphers", "ssl_curves", "ssl_sigalgs"}

// Variables returns the variables of the module. They are not found on a plain connection.
func Variables() []stream.Variable {
	return append([]stream.Variable{
		// Those of ngx_stream_ssl_static_variable are found even if they are empty.
		variable("ssl_protocol", func(s *stream.Session) (string, bool) { return tlsconf.VersionName(s.TLS.Version), true }),
		variable("ssl_cipher", func(s *stream.Session) (string, bool) { return cipherName(s.TLS), true }),
		nonEmpty("ssl_ciphers", offered(func(o *stream.TLSOffer) string { return ciphers.Offered(o.CipherSuites) })),
		nonEmpty("ssl_curve", func(t *stream.TLSState) string { return tlsconf.GroupName(t.Curve) }),
		nonEmpty("ssl_curves", offered(func(o *stream.TLSOffer) string { return tlsconf.GroupNames(o.Curves) })),
		nonEmpty("ssl_sigalgs", offered(func(o *stream.TLSOffer) string { return tlsconf.SignatureNumbers(o.SignatureSchemes) })),
		nonEmpty("ssl_session_reused", reused),
		nonEmpty("ssl_server_name", func(t *stream.TLSState) string { return t.ServerName }),
		nonEmpty("ssl_alpn_protocol", func(t *stream.TLSState) string { return t.ALPN }),
	}, certificateVariables()...)
}

// certificateVariables returns those about the client's certificate.
func certificateVariables() []stream.Variable {
	all := []stream.Variable{
		nonEmpty("ssl_client_verify", clientVerify),
		variable("ssl_client_v_remain", func(s *stream.Session) (string, bool) {
			text := certtext.Certificate(s.TLS.Certificate).DaysLeft(s.Env.Now())
			return text, text != ""
		}),
	}
	for name, get := range certtext.Fields {
		all = append(all, nonEmpty("ssl_client_"+name, func(t *stream.TLSState) string { return get(t.Certificate) }))
	}
	return all
}

func variable(name string, get func(*stream.Session) (string, bool)) stream.Variable {
	return stream.Variable{Name: name, Changeable: true, Get: func(s *stream.Session) (string, bool) {
		if s.TLS == nil {
			return "", false
		}
		return get(s)
	}}
}

// nonEmpty returns a variable that is not found if it is empty, as those of ngx_stream_ssl_variable.
func nonEmpty(name string, get func(*stream.TLSState) string) stream.Variable {
	return variable(name, func(s *stream.Session) (string, bool) {
		text := get(s.TLS)
		return text, text != ""
	})
}

// cipherName returns the name of the cipher, or OpenSSL's word for none while the handshake is not done.
func cipherName(t *stream.TLSState) string {
	if t.Version == 0 {
		return "(NONE)"
	}
	return ciphers.Name(t.CipherSuite)
}

// clientVerify follows ngx_ssl_get_client_verify.
func clientVerify(t *stream.TLSState) string {
	if err := statusError(t); err != nil {
		return "FAILED:" + err.Error()
	}
	return tlsconf.ClientVerify(resultOf(t), t.Certificate != nil)
}

func reused(t *stream.TLSState) string {
	if t.Resumed {
		return "r"
	}
	return "."
}

func offered(get func(*stream.TLSOffer) string) func(*stream.TLSState) string {
	return func(t *stream.TLSState) string {
		if t.Offer == nil {
			return ""
		}
		return get(t.Offer)
	}
}
