package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"weir/internal/certverify"
)

// A VerifyMode is a value of ssl_verify_client.
type VerifyMode int

// The modes. In all except VerifyOff a certificate is requested.
const (
	VerifyOff VerifyMode = iota
	VerifyOn
	VerifyOptional
	VerifyOptionalNoCA
)

// VerifyModeNames has the values of ssl_verify_client.
var VerifyModeNames = map[string]VerifyMode{
	"off": VerifyOff, "on": VerifyOn, "optional": VerifyOptional, "optional_no_ca": VerifyOptionalNoCA,
}

// A Verifier verifies the certificates of peers. It is not a callback of the handshake: as in nginx,
// the handshake succeeds with any certificate, and the result is examined after it. A resumed session
// has the certificates of the first one, and is verified like a full handshake.
type Verifier struct {
	Store *certverify.Store
	Usage certverify.Usage
	Depth int
	Level int              // the security level of the ciphers
	Clock func() time.Time // nil for the system's
}

// Verify returns OpenSSL's result for the certificates that the peer has presented; OK if there are none.
func (v *Verifier) Verify(presented []*x509.Certificate) certverify.Code {
	_, code := v.Chain(presented)
	return code
}

// Chain is Verify, and also returns the chain from the peer's certificate to a trusted one.
func (v *Verifier) Chain(presented []*x509.Certificate) ([]*x509.Certificate, certverify.Code) {
	if len(presented) == 0 {
		return nil, certverify.OK
	}
	now := time.Now
	if v.Clock != nil {
		now = v.Clock
	}
	return v.Store.Chain(presented, certverify.Options{Usage: v.Usage, Depth: v.Depth, Level: v.Level, Time: now()})
}

var errNoCertificate = errors.New("client sent no required SSL certificate")

// Check returns the reason why a client is refused, in nginx's words, or nil. result is that of
// Verify. nginx logs it at the level info. Follows ngx_stream_ssl_handler.
func (m VerifyMode) Check(result certverify.Code, hasCertificate bool) error {
	switch {
	case m == VerifyOff:
		return nil
	case result != certverify.OK && !(m == VerifyOptionalNoCA && result.IsMissingCA()):
		return fmt.Errorf("client SSL certificate verify error: (%d:%v)", int(result), result)
	case m == VerifyOn && !hasCertificate:
		return errNoCertificate
	}
	return nil
}

// CheckUpstream returns the reason why the server of a connection is refused, in nginx's words, or
// nil. nginx logs it at the level error. name is the name that the certificate must have. Follows
// ngx_stream_proxy_ssl_handshake.
//
// The error is an *UpstreamError.
func CheckUpstream(cs tls.ConnectionState, v *Verifier, name string) error {
	if code := v.Verify(cs.PeerCertificates); code != certverify.OK {
		return &UpstreamError{code, fmt.Sprintf("upstream SSL certificate verify error: (%d:%v)", int(code), code)}
	}
	if len(cs.PeerCertificates) == 0 || !certverify.MatchesHost(cs.PeerCertificates[0], name) {
		return &UpstreamError{certverify.OK, fmt.Sprintf("upstream SSL certificate does not match \"%s\"", strings.ReplaceAll(name, `"`, `\x22`))}
	}
	return nil
}

// An UpstreamError is the reason why the server of a connection is refused.
type UpstreamError struct {
	Code certverify.Code // OK if the certificate is for another name
	text string
}

// Error returns nginx's words.
func (e *UpstreamError) Error() string { return e.text }

// ClientVerify returns the value of $ssl_client_verify.
func ClientVerify(result certverify.Code, hasCertificate bool) string {
	switch {
	case !hasCertificate:
		return "NONE"
	case result == certverify.OK:
		return "SUCCESS"
	}
	return "FAILED:" + result.String()
}
