// Package ssl checks the certificates of TLS clients.
//
// See https://nginx.org/en/docs/stream/ngx_stream_ssl_module.html.
package ssl

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

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
	err := h.Mode.Check(resultOf(s.TLS), s.TLS.Certificate != nil)
	if status := statusError(s.TLS); err == nil && status != nil {
		err = fmt.Errorf("client SSL certificate verify error: %w", status)
	}
	if err != nil {
		s.Log(stream.LevelInfo, err.Error(), nil)
		s.CountRefusedCertificate(refusal(s.TLS), s.TLS.Certificate != nil)
		return stream.Verdict(stream.StatusInternal), nil
	}
	return stream.Next, nil
}

// statusError returns the reason why the status of a certificate that Verify has trusted is not good,
// or nil.
func statusError(t *stream.TLSState) error {
	if t.VerifyError == nil || t.VerifyError.Code != int(certverify.OK) {
		return nil
	}
	return t.VerifyError
}

// refusal returns the code that a refused certificate counts under, including one whose status is not
// good.
func refusal(t *stream.TLSState) certverify.Code {
	switch err := statusError(t); {
	case err == nil:
		return resultOf(t)
	case errors.Is(err, errRevoked):
		return certverify.Revoked
	}
	return certverify.Unspecified
}

// Verify returns the function that a stream.ServerTLS verifies clients with.
func Verify(v *tlsconf.Verifier) func(tls.ConnectionState) ([]*x509.Certificate, *stream.VerifyError) {
	return func(c tls.ConnectionState) ([]*x509.Certificate, *stream.VerifyError) {
		chain, code := v.Chain(c.PeerCertificates)
		if code == certverify.OK {
			return chain, nil
		}
		return chain, &stream.VerifyError{Code: int(code), Text: code.String()}
	}
}

// resultOf returns the result of Verify.
func resultOf(t *stream.TLSState) certverify.Code {
	if t.VerifyError == nil {
		return certverify.OK
	}
	return certverify.Code(t.VerifyError.Code)
}
