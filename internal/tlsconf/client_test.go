package tlsconf

import (
	"crypto/tls"
	"slices"
	"testing"

	"weir/internal/testcert"
)

// presenting returns a client with a certificate.
func presenting(t *testing.T, m *made) *Client {
	t.Helper()
	settings := defaults()
	settings.Certificates = []tls.Certificate{m.loaded()}
	client, _, err := NewClient(settings)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestCertificateIsPresented checks that a client presents its certificate to a server that names
// other authorities, as OpenSSL does.
func TestCertificateIsPresented(t *testing.T) {
	p := newParty(t).verifying(VerifyOptionalNoCA)
	own, other := makeCert(t, nil, testcert.ECKey(t)), makeCert(t, nil, testcert.RSAKey(t, 2048))
	client := presenting(t, own)
	replaced := other.loaded()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, tt := range []struct {
			connection Connection
			want       *made
		}{{Connection{}, own}, {Connection{Certificate: &replaced}, other}} {
			config := client.Config(tt.connection)
			config.MaxVersion = version
			s := p.mustConnect(t, config)
			if len(s.PeerCertificates) != 1 || !s.PeerCertificates[0].Equal(tt.want.cert) {
				t.Errorf("%x: got %d certificates", version, len(s.PeerCertificates))
			}
		}
	}
}

// TestUnusableCertificateIsNotPresented checks a server that accepts no signature of the client's key.
func TestUnusableCertificateIsNotPresented(t *testing.T) {
	client := presenting(t, makeCert(t, nil, testcert.ECKey(t)))
	request := &tls.CertificateRequestInfo{Version: tls.VersionTLS13, SignatureSchemes: []tls.SignatureScheme{tls.PSSWithSHA256}}
	got, err := client.Config(Connection{}).GetClientCertificate(request)
	if err != nil || len(got.Certificate) != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestSessionsOfCertificates checks that a session is resumed only with the client's certificate that
// it began with: the server knows the client by it.
func TestSessionsOfCertificates(t *testing.T) {
	p := newParty(t).verifying(VerifyOptionalNoCA)
	own, other := makeCert(t, nil, testcert.ECKey(t)), makeCert(t, nil, testcert.ECKey(t))
	client, replaced := presenting(t, own), other.loaded()
	sessions := tls.NewLRUClientSessionCache(4)
	for i, tt := range []struct {
		connection Connection
		want       *made
		resumed    bool
	}{
		{Connection{}, own, false},
		{Connection{}, own, true},
		{Connection{Certificate: &replaced}, other, false},
		{Connection{Certificate: &replaced}, other, true},
		{Connection{ServerName: "a"}, own, false},
		{Connection{}, own, true},
	} {
		tt.connection.Sessions = sessions
		config := client.Config(tt.connection)
		s := p.mustConnect(t, config)
		if config.ServerName == "" || s.ServerName != tt.connection.ServerName {
			t.Errorf("connection %d: the name %q is sent of %q", i, s.ServerName, config.ServerName)
		}
		if s.DidResume != tt.resumed || !s.PeerCertificates[0].Equal(tt.want.cert) {
			t.Errorf("connection %d: resumed %v", i, s.DidResume)
		}
	}
}

func TestALPNOfConnection(t *testing.T) {
	settings := defaults()
	settings.ALPN = []string{"a"}
	client, _, err := NewClient(settings)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ own, want []string }{{nil, []string{"a"}}, {[]string{"b"}, []string{"b"}}} {
		if got := client.Config(Connection{ALPN: tt.own}).NextProtos; !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q", tt.own, got)
		}
	}
}
