package drivertest

import (
	"crypto/tls"
	"crypto/x509"
	"sync"
	"testing"

	"weir/internal/testcert"
)

// serverName is the name in the tests' certificate.
const serverName = "mqtt.example"

// A tlsConfigs is a pair of TLS configurations, server and client, that trust each other.
type tlsConfigs struct {
	server *tls.Config
	client *tls.Config
}

var (
	makeTLS sync.Once
	madeTLS *tlsConfigs
)

// testTLS returns the TLS configurations of the tests, with one certificate for serverName. The caller
// must not change them.
func testTLS(t testing.TB) *tlsConfigs {
	t.Helper()
	makeTLS.Do(func() { madeTLS = newTLSConfigs(testcert.SelfSigned(t, serverName)) })
	return madeTLS
}

func newTLSConfigs(c *testcert.Certificate) *tlsConfigs {
	roots := x509.NewCertPool()
	roots.AddCert(c.Certificate)
	return &tlsConfigs{
		&tls.Config{Certificates: []tls.Certificate{c.TLS()}},
		&tls.Config{RootCAs: roots, ServerName: serverName},
	}
}
