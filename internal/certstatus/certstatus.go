// Package certstatus asks OCSP responders whether certificates are revoked.
//
// It sends nginx's requests: GET in HTTP/1.0, without a nonce. A response is verified as OpenSSL's
// OCSP_basic_verify does, and is refused where OpenSSL refuses it.
package certstatus

import (
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"time"

	"golang.org/x/crypto/ocsp"

	"weir/internal/certverify"
)

// A Status is the state of a certificate.
type Status int

// The states.
const (
	Good Status = iota
	Revoked
	Unknown
)

// String returns OpenSSL's name of the state.
func (s Status) String() string {
	switch s {
	case Good:
		return "good"
	case Revoked:
		return "revoked"
	}
	return "unknown"
}

// A Question is about the status of one certificate. It never changes.
type Question struct {
	Certificate, Issuer *x509.Certificate
	Trust               Trust
	// MustBeGood makes any other status a problem.
	MustBeGood bool
}

// Trust decides which signatures of responses are accepted.
type Trust struct {
	// Store verifies the certificate of the signer, which must be the issuer or delegated by it. nil
	// accepts any signer whose certificate is in the response or in Others.
	Store *certverify.Store
	// Others are certificates of possible signers, in addition to the issuer and those in the response.
	Others []*x509.Certificate
	// TrustOthers accepts a signer in Others without verification.
	TrustOthers bool
}

// An Answer is a verified response.
type Answer struct {
	Status Status
	Until  time.Time // its nextUpdate; zero if it has none
	Raw    []byte    // in DER
}

// A Key identifies a certificate by its issuer and serial number.
type Key [3 * sha1.Size]byte

var errLongSerial = errors.New("the serial number is longer than 20 bytes")

// Key returns the key of the certificate. It follows ngx_ssl_ocsp_create_key.
func (q *Question) Key() (k Key, err error) {
	serial := q.Certificate.SerialNumber.Bytes()
	if len(serial) > sha1.Size {
		return k, errLongSerial
	}
	name, public := sha1.Sum(q.Issuer.RawSubject), sha1.Sum(publicBits(q.Issuer))
	copy(k[copy(k[:], name[:]):], public[:])
	copy(k[2*sha1.Size:], serial)
	return k, nil
}

// publicBits returns the public key without its algorithm.
func publicBits(c *x509.Certificate) []byte {
	var info struct {
		Algorithm asn1.RawValue
		Bits      asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil
	}
	return info.Bits.RightAlign()
}

// request returns the request in DER.
func (q *Question) request() ([]byte, error) { return ocsp.CreateRequest(q.Certificate, q.Issuer, nil) }
