package certstatus

import (
	"bytes"
	"crypto"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"

	"weir/internal/certverify"
)

// OpenSSL's errors about responses.
const (
	errVerify      = "error:13800065:OCSP routines::certificate verify error:Verify error: "
	errUsage       = "error:13800067:OCSP routines::missing ocspsigning usage "
	errRoot        = "error:13800070:OCSP routines::root ca not trusted"
	errSignature   = "error:13800075:OCSP routines::signature failure"
	errSigner      = "error:13800076:OCSP routines::signer certificate not found"
	errOrder       = "error:1380007C:OCSP routines::nextupdate before thisupdate"
	errExpired     = "error:1380007D:OCSP routines::status expired"
	errNotYetValid = "error:1380007E:OCSP routines::status not yet valid"
)

var errNotFound = errors.New("certificate status not found in the OCSP response")

// leeway is how far the clocks of the responder and this machine may differ.
const leeway = 5 * time.Minute

// maxChain is OpenSSL's limit on the chain of a signer.
const maxChain = 100

// verify returns the Answer in a response. The error is nginx's sentence. Follows ngx_ssl_ocsp_verify.
func (q *Question) verify(der []byte, now time.Time) (Answer, error) {
	r, err := ocsp.ParseResponseForCert(der, q.Certificate, nil)
	if err != nil {
		return Answer{}, responseError(err)
	}
	if text := q.checkSigner(r, now); text != "" {
		return Answer{}, failed("OCSP_basic_verify()", text)
	}
	if !q.isAbout(r) {
		return Answer{}, errNotFound
	}
	if text := checkTimes(r, now); text != "" {
		return Answer{}, failed("OCSP_check_validity()", text)
	}
	return Answer{Status: statusOf(r), Until: r.NextUpdate, Raw: der}, nil
}

func failed(call, queued string) error { return fmt.Errorf("%s failed (SSL: %s)", call, queued) }

// responseError returns nginx's sentence for an error of the ocsp package. An error that OpenSSL does
// not have, or whose text is not known here, keeps its own text in brackets.
func responseError(err error) error {
	if e, ok := errors.AsType[ocsp.ResponseError](err); ok {
		return fmt.Errorf("OCSP response not successful (%d: %s)", int(e.Status), responseStatus(int(e.Status)))
	}
	switch text := err.Error(); {
	case strings.HasPrefix(text, "bad signature on embedded certificate"):
		return failed("OCSP_basic_verify()", errSignature)
	case text == "no response matching the supplied certificate":
		return errNotFound
	default:
		return failed("d2i_OCSP_RESPONSE()", text)
	}
}

// responseStatus follows OCSP_response_status_str.
func responseStatus(n int) string {
	names := map[int]string{1: "malformedrequest", 2: "internalerror", 3: "trylater", 5: "sigrequired", 6: "unauthorized"}
	if name, ok := names[n]; ok {
		return name
	}
	return "(UNKNOWN)"
}

func statusOf(r *ocsp.Response) Status {
	switch r.Status {
	case ocsp.Good:
		return Good
	case ocsp.Revoked:
		return Revoked
	}
	return Unknown
}

// checkTimes returns OpenSSL's errors, or nothing. Follows OCSP_check_validity.
func checkTimes(r *ocsp.Response, now time.Time) string {
	var queued []string
	if r.ThisUpdate.After(now.Add(leeway)) {
		queued = append(queued, errNotYetValid)
	}
	if !r.NextUpdate.IsZero() && r.NextUpdate.Before(now.Add(-leeway)) {
		queued = append(queued, errExpired)
	}
	if !r.NextUpdate.IsZero() && r.NextUpdate.Before(r.ThisUpdate) {
		queued = append(queued, errOrder)
	}
	return strings.Join(queued, " ")
}

// checkSigner returns OpenSSL's error about the signature or the signer, or nothing. Follows
// OCSP_basic_verify; the ocsp package has verified the signature with the certificate in the response,
// if there is one.
func (q *Question) checkSigner(r *ocsp.Response, now time.Time) string {
	signer := r.Certificate
	if signer == nil {
		known := slices.Concat(q.Trust.Others, []*x509.Certificate{q.Issuer})
		i := slices.IndexFunc(known, func(c *x509.Certificate) bool { return isResponder(r, c) })
		if i < 0 {
			return errSigner
		}
		signer = known[i]
		if r.CheckSignatureFrom(signer) != nil {
			return errSignature
		}
	} else if !isResponder(r, signer) {
		return errSigner
	}
	switch {
	case q.Trust.Store == nil, q.Trust.TrustOthers && slices.ContainsFunc(q.Trust.Others, signer.Equal):
		return ""
	}
	return q.checkDelegation(signer, now)
}

// isResponder reports whether c is the certificate that the response names as its signer's.
func isResponder(r *ocsp.Response, c *x509.Certificate) bool {
	if r.RawResponderName != nil {
		return bytes.Equal(r.RawResponderName, c.RawSubject)
	}
	sum := sha1.Sum(publicBits(c))
	return bytes.Equal(r.ResponderKeyHash, sum[:])
}

// checkDelegation verifies the certificate of the signer, which must be the issuer or have been
// delegated by it. Follows ocsp_verify_signer and ocsp_check_issuer.
func (q *Question) checkDelegation(signer *x509.Certificate, now time.Time) string {
	presented := append([]*x509.Certificate{signer}, q.Trust.Others...)
	chain, code := q.Trust.Store.Chain(presented, certverify.Options{
		Usage: certverify.ForResponders, Depth: maxChain, Time: now, ReturnFirst: true,
	})
	switch {
	case code != certverify.OK:
		return errVerify + code.String()
	case len(chain) > 1 && q.isIssuer(chain[1]) && !slices.Contains(signer.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning):
		return errUsage + errRoot
	case len(chain) > 1 && q.isIssuer(chain[1]), q.isIssuer(signer):
		return ""
	}
	return errRoot
}

// isIssuer reports whether c has the name and the key of the issuer.
func (q *Question) isIssuer(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, q.Issuer.RawSubject) &&
		bytes.Equal(c.RawSubjectPublicKeyInfo, q.Issuer.RawSubjectPublicKeyInfo)
}

// responseData is the signed part of a response. Fields at its end, and at those of its parts, that are
// not named here are ignored.
type responseData struct {
	Version    int `asn1:"optional,default:0,explicit,tag:0"`
	Responder  asn1.RawValue
	ProducedAt time.Time `asn1:"generalized"`
	Statuses   []struct{ ID certID }
}

// A certID identifies a certificate in a response.
type certID struct {
	Algorithm         pkix.AlgorithmIdentifier
	NameHash, KeyHash []byte
	Serial            *big.Int
}

// isAbout reports whether the response has the certificate's status: the ocsp package has compared only
// the serial number, and has taken the first status with it.
func (q *Question) isAbout(r *ocsp.Response) bool {
	var data responseData
	if _, err := asn1.Unmarshal(r.TBSResponseData, &data); err != nil {
		return false
	}
	i := slices.IndexFunc(data.Statuses, func(s struct{ ID certID }) bool { return s.ID.Serial.Cmp(r.SerialNumber) == 0 })
	if i < 0 || r.IssuerHash != crypto.SHA1 {
		return false
	}
	id := &data.Statuses[i].ID
	name, key := sha1.Sum(q.Issuer.RawSubject), sha1.Sum(publicBits(q.Issuer))
	return bytes.Equal(id.NameHash, name[:]) && bytes.Equal(id.KeyHash, key[:])
}
