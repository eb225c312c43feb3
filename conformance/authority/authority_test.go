package authority

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"testing"
)

// TestFilesAndValues verifies certificates from their files, against the authority and its revocation list.
func TestFilesAndValues(t *testing.T) {
	a, err := New(t.TempDir(), "fleet-ca")
	if err != nil {
		t.Fatal(err)
	}
	server, err := a.Server("mqtt.example.com", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	client, err := a.Client("device-1", "Fleet")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mqtt.example.com", "localhost", "127.0.0.1"} {
		if _, err := leaf(t, server).Verify(x509.VerifyOptions{DNSName: name, Roots: a.Pool()}); err != nil {
			t.Error(err)
		}
	}
	forClients := x509.VerifyOptions{Roots: a.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := leaf(t, client).Verify(forClients); err != nil {
		t.Error(err)
	}
	if got := client.TLS.Leaf.Subject.String(); got != "CN=device-1,O=Fleet" {
		t.Errorf("the subject is %s", got)
	}
	path, err := a.Revoke(client)
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.ParseRevocationList(block(t, path))
	if err != nil {
		t.Fatal(err)
	}
	if err := list.CheckSignatureFrom(a.cert); err != nil {
		t.Error(err)
	}
	if got := list.RevokedCertificateEntries; len(got) != 1 || got[0].SerialNumber.Cmp(client.TLS.Leaf.SerialNumber) != 0 {
		t.Errorf("revoked: %v", got)
	}
}

// leaf returns the certificate in the files of p.
func leaf(t *testing.T, p Pair) *x509.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

func block(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := pem.Decode(text)
	return b.Bytes
}
