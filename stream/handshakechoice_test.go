package stream_test

import (
	"crypto/tls"
	"testing"

	"weir/internal/testcert"
	"weir/internal/tlsconf"
	"weir/stream"
)

// choosing returns a configuration that chooses among several certificates, or has the only one.
func choosing(all []tls.Certificate) *tls.Config {
	config := &tls.Config{Certificates: all}
	if len(all) > 1 {
		config.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return tlsconf.Supported(hello, all), nil }
	}
	return config
}

// TestOwnCertificate checks that the certificate of the handshake is known, whatever name the client
// requests.
func TestOwnCertificate(t *testing.T) {
	certificates := []tls.Certificate{certificate(t, "default"), testcert.Issue(t, nil, testcert.RSAKey(t, 2048)).TLS()}
	for _, tt := range []struct {
		servers int
		cipher  uint16
		want    int
	}{
		{2, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0},
		{2, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, 1},
		{1, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0},
	} {
		for _, name := range []string{"", "default", "unknown"} {
			l, _ := tlsListener(t)
			l.Default.TLS = stream.NewServerTLS(choosing(certificates[:tt.servers]), handshakeTimeout)
			s, step := connected(t, l)
			client := &tls.Config{InsecureSkipVerify: true, ServerName: name, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tt.cipher}}
			finish(t, s, shakeHands(t, s, step, client))
			if s.TLS.Version == 0 || s.TLS.Own != certificates[tt.want].Leaf {
				t.Errorf("%d certificates, name %q: got version %x and %v", tt.servers, name, s.TLS.Version, s.TLS.Own)
			}
		}
	}
}
