package testcert_test

import (
	"crypto/x509"
	"testing"
	"time"

	"weir/internal/testcert"
)

// TestIssue verifies a certificate with its authority, and one that is its own.
func TestIssue(t *testing.T) {
	ca := testcert.SelfSigned(t, "ca")
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	leaf := testcert.Issue(t, ca, testcert.RSAKey(t, 2048), testcert.Name("leaf"))
	late := testcert.Issue(t, ca, testcert.ECKey(t), testcert.Name("leaf"), func(c *x509.Certificate) {
		c.NotAfter = time.Now().Add(-time.Minute)
	})
	for _, tt := range []struct {
		c    *testcert.Certificate
		name string
		ok   bool
	}{
		{ca, "ca", true}, {leaf, "leaf", true}, {leaf, "ca", false}, {late, "leaf", false}, {testcert.SelfSigned(t, "leaf"), "leaf", false},
	} {
		if _, err := tt.c.Verify(x509.VerifyOptions{Roots: roots, DNSName: tt.name}); err == nil != tt.ok {
			t.Errorf("%v for %q: %v", tt.c.Subject, tt.name, err)
		}
	}
	if leaf.SerialNumber.Cmp(late.SerialNumber) == 0 {
		t.Error("two certificates have the same serial number")
	}
	if c := leaf.TLS(); c.Leaf != leaf.Certificate || c.PrivateKey != leaf.Key {
		t.Error("the certificate for crypto/tls is another one")
	}
}
