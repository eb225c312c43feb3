// Package certverify verifies chains of certificates by the rules and with the results of OpenSSL.
//
// As in nginx, an error does not stop the verification, and the result is the last error, unless the
// first one is wanted. The
// functions do no I/O and keep no state: the same chain gives the same result in a full and in a
// resumed handshake, so that a resumed one can be verified again.
package certverify

import (
	"crypto/sha256"
	"crypto/x509"
	"time"
)

// A Store has trusted certificates and revocation lists. It never changes.
type Store struct {
	certs    []*certificate
	crls     []*revocationList
	identity [sha256.Size]byte
}

// NewStore returns a Store. With revocation lists each certificate of a chain must be covered by one.
func NewStore(trusted []*x509.Certificate, crls []*x509.RevocationList) *Store {
	s := &Store{}
	sum := sha256.New()
	seen := map[string]bool{}
	for _, c := range trusted {
		if seen[string(c.Raw)] {
			continue
		}
		seen[string(c.Raw)] = true
		s.certs = append(s.certs, newCertificate(c))
		sum.Write([]byte("certificate"))
		sum.Write(c.Raw)
	}
	for _, l := range crls {
		s.crls = append(s.crls, newRevocationList(l))
		sum.Write([]byte("crl"))
		sum.Write(l.Raw)
	}
	sum.Sum(s.identity[:0])
	return s
}

// Identity returns a hash of all that the store has: two stores with the same identity give the same
// results.
func (s *Store) Identity() [sha256.Size]byte { return s.identity }

// Issuer returns the issuer of a certificate, or nil if the store does not have it.
func (s *Store) Issuer(c *x509.Certificate) *x509.Certificate {
	subject := newCertificate(c)
	for _, candidate := range s.certs {
		if candidate.issued(subject) {
			return candidate.Certificate
		}
	}
	return nil
}

// A Usage is what a certificate is for: a side of TLS, or signing OCSP responses.
type Usage int

// The usages.
const (
	ForClients    Usage = iota // the certificate of a client
	ForServers                 // the certificate of a server
	ForResponders              // the certificate of an OCSP responder, whose usage is not checked
)

// Options are the settings of a verification.
type Options struct {
	// Usage is what the certificate must be for.
	Usage Usage
	// Depth is the greatest number of intermediate certificates in a chain.
	Depth int
	// Level is OpenSSL's security level, which sets the smallest keys and the weakest digests.
	Level int
	// Time is the current time.
	Time time.Time
	// ReturnFirst makes the first error the result: OpenSSL stops there if it has no callback.
	ReturnFirst bool
}

// Verify verifies the certificates that a peer has presented, its own first, and returns the last
// error, or OK. Without any certificate it returns Unspecified.
func (s *Store) Verify(presented []*x509.Certificate, o Options) Code {
	_, code := s.Chain(presented, o)
	return code
}

// Chain is Verify, and also returns the chain from the peer's own certificate to a trusted one, as far
// as it was found.
func (s *Store) Chain(presented []*x509.Certificate, o Options) ([]*x509.Certificate, Code) {
	if len(presented) == 0 {
		return nil, Unspecified
	}
	v := &verification{store: s, options: o}
	for _, c := range presented {
		v.presented = append(v.presented, newCertificate(c))
	}
	v.run()
	chain := make([]*x509.Certificate, len(v.chain))
	for i, c := range v.chain {
		chain[i] = c.Certificate
	}
	return chain, v.result
}

// A verification is one call of Verify.
type verification struct {
	store     *Store
	options   Options
	presented []*certificate
	chain     []*certificate
	untrusted int // how many certificates at the start of chain are not from the store
	result    Code
}

// run follows X509_verify_cert and verify_chain with a callback that continues after each error.
func (v *verification) run() {
	v.chain = []*certificate{v.presented[0]}
	v.untrusted = 1
	if !v.isStrong(v.presented[0]) {
		v.report(KeyTooWeak)
	}
	v.buildChain()
	v.checkExtensions()
	v.checkStrength()
	v.checkRevocation()
	v.checkSignatures()
	v.checkNameConstraints()
}

func (v *verification) report(c Code) {
	if v.result == OK || !v.options.ReturnFirst {
		v.result = c
	}
}

// checkStrength follows check_auth_level.
func (v *verification) checkStrength() {
	for i, c := range v.chain {
		if i > 0 && !v.isStrong(c) {
			v.report(CAKeyTooWeak)
		}
		if i < len(v.chain)-1 && digestBits(c.SignatureAlgorithm) < v.leastBits() {
			v.report(DigestTooWeak)
		}
	}
}

// checkSignatures verifies the signatures and the times of the chain, from its end. Follows
// internal_verify.
func (v *verification) checkSignatures() {
	n := len(v.chain) - 1
	issuer, subject := v.chain[n], v.chain[n]
	if !issuer.issued(issuer) {
		if n == 0 {
			v.report(LeafNotVerified)
		} else {
			n--
			subject = v.chain[n]
		}
	}
	for ; n >= 0; n-- {
		if subject != issuer {
			v.checkSignature(subject, issuer)
		}
		v.checkTime(subject)
		if n > 0 {
			issuer, subject = subject, v.chain[n-1]
		}
	}
}

func (v *verification) checkSignature(subject, issuer *certificate) {
	if issuer.rejectsKeyUsage(x509.KeyUsageCertSign) {
		v.report(NoCertSign)
	}
	if !issuer.verifies(subject.SignatureAlgorithm, subject.RawTBSCertificate, subject.Signature) {
		v.report(BadSignature)
	}
}

func (v *verification) checkTime(c *certificate) {
	if c.NotBefore.After(v.options.Time) {
		v.report(NotYetValid)
	}
	if !c.NotAfter.After(v.options.Time) {
		v.report(Expired)
	}
}
