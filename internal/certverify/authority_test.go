package certverify

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"weir/internal/testcert"
)

// now is the time of all verifications: the real one, since the openssl program has no other.
var now = time.Now()

// An entity is a certificate with its key.
type entity struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// A change edits the template of a certificate.
type change = func(*x509.Certificate)

// root returns an authority that has signed itself.
func root(t testing.TB, name string, changes ...change) *entity {
	t.Helper()
	return issue(t, nil, testcert.ECKey(t), name, append([]change{asAuthority}, changes...)...)
}

// authority returns an authority below another one.
func (e *entity) authority(t testing.TB, name string, changes ...change) *entity {
	t.Helper()
	return issue(t, e, testcert.ECKey(t), name, append([]change{asAuthority}, changes...)...)
}

// leaf returns a certificate for both sides of TLS.
func (e *entity) leaf(t testing.TB, name string, changes ...change) *entity {
	t.Helper()
	return issue(t, e, testcert.ECKey(t), name, append([]change{asLeaf}, changes...)...)
}

func asAuthority(c *x509.Certificate) {
	testcert.Authority(c)
	c.MaxPathLen = -1
}

func asLeaf(c *x509.Certificate) {
	c.KeyUsage = x509.KeyUsageDigitalSignature
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
}

// issue returns a certificate that an authority, or its own key, has signed.
func issue(t testing.TB, by *entity, key crypto.Signer, name string, changes ...change) *entity {
	t.Helper()
	var parent *testcert.Certificate
	if by != nil {
		parent = &testcert.Certificate{Certificate: by.cert, Key: by.key}
	}
	named := func(c *x509.Certificate) { c.Subject.CommonName = name }
	made := testcert.Issue(t, parent, key, append([]change{named}, changes...)...)
	return &entity{made.Certificate, key}
}

func parseCertificate(t testing.TB, der []byte) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// list returns a revocation list of an authority.
func (e *entity) list(t testing.TB, revoked []*entity, changes ...func(*x509.RevocationList)) *x509.RevocationList {
	t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(time.Hour)}
	for _, r := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: r.cert.SerialNumber, RevocationTime: now.Add(-time.Hour)})
	}
	for _, c := range changes {
		c(template)
	}
	issuer := *e.cert
	issuer.KeyUsage |= x509.KeyUsageCRLSign // crypto/x509 would refuse to sign
	der, err := x509.CreateRevocationList(rand.Reader, template, &issuer, e.key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func expired(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = now.Add(-48*time.Hour), now.Add(-24*time.Hour)
}

func notYet(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = now.Add(24*time.Hour), now.Add(48*time.Hour)
}

func usages(all ...x509.ExtKeyUsage) change {
	return func(c *x509.Certificate) { c.ExtKeyUsage = all }
}

func keyUsage(u x509.KeyUsage) change {
	return func(c *x509.Certificate) { c.KeyUsage = u }
}

func pathLimit(n int) change {
	return func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = n, n == 0 }
}

func notAuthorityCert(c *x509.Certificate) { c.IsCA, c.MaxPathLen = false, 0 }

func noConstraints(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid, c.MaxPathLen = false, false, 0
}

func dnsName(names ...string) change {
	return func(c *x509.Certificate) { c.DNSNames = names }
}

func extensionOf(id asn1.ObjectIdentifier, critical bool, value []byte) change {
	return func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: id, Critical: critical, Value: value})
	}
}

func algorithm(a x509.SignatureAlgorithm) change {
	return func(c *x509.Certificate) { c.SignatureAlgorithm = a }
}

func listExtension(id asn1.ObjectIdentifier, critical bool, value []byte) func(*x509.RevocationList) {
	return func(l *x509.RevocationList) {
		l.ExtraExtensions = append(l.ExtraExtensions, pkix.Extension{Id: id, Critical: critical, Value: value})
	}
}
