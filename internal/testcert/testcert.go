// Package testcert makes certificates for tests.
package testcert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync/atomic"
	"testing"
	"time"
)

// A Certificate is a certificate with its key.
type Certificate struct {
	*x509.Certificate
	Key crypto.Signer
}

// serial is the serial number of the last certificate.
var serial atomic.Int64

// Issue returns a certificate for a key that by has signed, or the key itself if by is nil. It is valid
// from an hour ago to an hour from now, and each certificate of a process has another serial number.
// The changes edit the template.
func Issue(t testing.TB, by *Certificate, key crypto.Signer, changes ...func(*x509.Certificate)) *Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial.Add(1)), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	for _, change := range changes {
		change(template)
	}
	if by == nil {
		by = &Certificate{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.Certificate, key.Public(), by.Key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &Certificate{made, key}
}

// SelfSigned returns the certificate of a server or a client, which is its own authority.
func SelfSigned(t testing.TB, name string) *Certificate {
	t.Helper()
	return Issue(t, nil, ECKey(t), Name(name), Authority, func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageDigitalSignature })
}

// TLS returns the certificate for a tls.Config.
func (c *Certificate) TLS() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: c.Key, Leaf: c.Certificate}
}

// Name sets the common name and the host.
func Name(name string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.Subject, c.DNSNames = pkix.Name{CommonName: name}, []string{name} }
}

// Authority lets the certificate sign others.
func Authority(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
}

// ECKey returns a new key.
func ECKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// RSAKey returns a new key of that size.
func RSAKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
