// Package ssl checks the certificates of TLS clients.
//
// See https://nginx.org/en/docs/stream/ngx_stream_ssl_module.html.
package ssl

import (
	"crypto/tls"

	"weir/internal/certverify"
	"weir/internal/tlsconf"
	"weir/stream"
)

// Handler refuses clients whose certificate is missing or is not trusted.
type Handler struct {
	Mode tlsconf.VerifyMode
}

// Handle follows ngx_stream_ssl_handler after the handshake.
func (h *Handler) Handle(s *stream.Session) (stream.Verdict, error) {
	if s.TLS == nil {
		return stream.Next, nil
	}
	if err := h.Mode.Check(resultOf(s.TLS), s.TLS.Certificate != nil); err != nil {
		s.Log(stream.LevelInfo, err.Error(), nil)
		return stream.Verdict(stream.StatusInternal), nil
	}
	return stream.Next, nil
}

// Verify returns the function that a stream.ServerTLS verifies clients with.
func Verify(v *tlsconf.Verifier) func(tls.ConnectionState) *stream.VerifyError {
	return func(c tls.ConnectionState) *stream.VerifyError {
		code := v.Verify(c.PeerCertificates)
		if code == certverify.OK {
			return nil
		}
		return &stream.VerifyError{Code: int(code), Text: code.String()}
	}
}

// resultOf returns the result of Verify.
func resultOf(t *stream.TLSState) certverify.Code {
	if t.VerifyError == nil {
		return certverify.OK
	}
	return certverify.Code(t.VerifyError.Code)
}
