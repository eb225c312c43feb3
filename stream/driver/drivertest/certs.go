package drivertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"sync"
	"testing"
	"time"
)

// serverName is the name in the tests' certificate.
const serverName = "mqtt.example"

// A tlsConfigs is a pair of TLS configurations, server and client, that trust each other.
type tlsConfigs struct {
	server *tls.Config
	client *tls.Config
}

// newTLSConfigs creates a certificate for serverName, once per process.
var newTLSConfigs = sync.OnceValues(func() (*tlsConfigs, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	sheet := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{serverName}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, sheet, sheet, key.Public(), key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tlsConfigs{
		&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: roots, ServerName: serverName},
	}, nil
})

// testTLS returns the TLS configurations of the tests. The caller must not change them.
func testTLS(t testing.TB) *tlsConfigs {
	t.Helper()
	made, err := newTLSConfigs()
	if err != nil {
		t.Fatal(err)
	}
	return made
}
