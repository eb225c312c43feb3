package tlsconf

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/certverify"
	"weir/internal/testcert"
)

// loaded returns a certificate as Files.Certificate does.
func (m *made) loaded() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{m.cert.Raw}, PrivateKey: m.key, Leaf: m.cert}
}

// A party is a server with an authority for its clients.
type party struct {
	ca, certificate *made
	server          Server
}

func newParty(t testing.TB) *party {
	t.Helper()
	ca := makeCert(t, nil, testcert.ECKey(t), authority)
	p := &party{ca: ca, certificate: makeCert(t, ca, testcert.ECKey(t), func(c *x509.Certificate) { c.DNSNames = []string{"server"} })}
	p.server = Server{Settings: defaults(), Name: "one", Tickets: NewRandomKeys(time.Hour), Timeout: 5 * time.Minute}
	p.server.Certificates = []tls.Certificate{p.certificate.loaded()}
	return p
}

// verifying switches the verification of clients on.
func (p *party) verifying(mode VerifyMode, crls ...*x509.RevocationList) *party {
	store := certverify.NewStore([]*x509.Certificate{p.ca.cert}, crls)
	p.server.Verify = mode
	p.server.Verifier = &Verifier{Store: store, Usage: certverify.ForClients, Depth: 1, Level: 2}
	p.server.ClientAuthorities = []*x509.Certificate{p.ca.cert}
	return p
}

// A result is what the server knows after a handshake.
type result struct {
	tls.ConnectionState
	code certverify.Code
}

func (r *result) verified() string { return ClientVerify(r.code, len(r.PeerCertificates) > 0) }

// connect performs a handshake, after which the client reads a byte, so that it has a ticket.
func (p *party) connect(t testing.TB, client *tls.Config) (*result, error) {
	t.Helper()
	config, warnings, err := p.server.Config()
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v %v", err, warnings)
	}
	near, far := connection(t)
	defer near.Close()
	var wait sync.WaitGroup
	defer wait.Wait()
	wait.Go(func() {
		defer far.Close()
		c := tls.Client(far, client)
		if c.Handshake() == nil {
			_, _ = c.Read(make([]byte, 1))
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := tls.Server(near, config)
	if err := c.HandshakeContext(ctx); err != nil {
		near.Close()
		return nil, err
	}
	if _, err := c.Write([]byte("x")); err != nil {
		near.Close()
		return nil, err
	}
	r := &result{ConnectionState: c.ConnectionState()}
	if p.server.Verifier != nil {
		r.code = p.server.Verifier.Verify(r.PeerCertificates)
	}
	return r, nil
}

// connection returns both ends of a connection. Those of net.Pipe have no buffers, so that two sides
// that write at the same time would wait for each other.
func connection(t testing.TB) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if far, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if near, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return near, far
}

func (p *party) mustConnect(t testing.TB, client *tls.Config) *result {
	t.Helper()
	s, err := p.connect(t, client)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func insecure() *tls.Config { return &tls.Config{InsecureSkipVerify: true, ServerName: "server"} }

func withCertificate(m *made) *tls.Config {
	c := insecure()
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		cert := m.loaded()
		return &cert, nil
	}
	return c
}

func TestCheckClient(t *testing.T) {
	p := newParty(t).verifying(VerifyOn)
	good := makeCert(t, p.ca, testcert.ECKey(t))
	expired := makeCert(t, p.ca, testcert.ECKey(t), func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	lone := makeCert(t, nil, testcert.ECKey(t))
	const missing = "client sent no required SSL certificate"
	for _, c := range []struct {
		mode   VerifyMode
		client *tls.Config
		verify string
		want   string
	}{
		{VerifyOff, withCertificate(lone), "NONE", ""},
		{VerifyOn, insecure(), "NONE", missing}, {VerifyOptional, insecure(), "NONE", ""}, {VerifyOptionalNoCA, insecure(), "NONE", ""},
		{VerifyOn, withCertificate(good), "SUCCESS", ""}, {VerifyOptional, withCertificate(good), "SUCCESS", ""},
		{VerifyOn, withCertificate(expired), "FAILED:certificate has expired", "client SSL certificate verify error: (10:certificate has expired)"},
		{VerifyOptional, withCertificate(expired), "FAILED:certificate has expired", "client SSL certificate verify error: (10:certificate has expired)"},
		{VerifyOptionalNoCA, withCertificate(expired), "FAILED:certificate has expired", "client SSL certificate verify error: (10:certificate has expired)"},
		{VerifyOn, withCertificate(lone), "FAILED:self-signed certificate", "client SSL certificate verify error: (18:self-signed certificate)"},
		{VerifyOptionalNoCA, withCertificate(lone), "FAILED:self-signed certificate", ""},
	} {
		p.verifying(c.mode)
		s := p.mustConnect(t, c.client)
		checkSentence(t, c.verify, c.mode.Check(s.code, len(s.PeerCertificates) > 0), c.want)
		if got := s.verified(); got != c.verify {
			t.Errorf("mode %d: got %s, want %s", c.mode, got, c.verify)
		}
	}
}

// TestAuthorityNamesAreSent checks that a client learns which authorities the server accepts.
func TestAuthorityNamesAreSent(t *testing.T) {
	p := newParty(t).verifying(VerifyOptional)
	var names [][]byte
	client := insecure()
	client.GetClientCertificate = func(r *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		names = r.AcceptableCAs
		return &tls.Certificate{}, nil
	}
	p.mustConnect(t, client)
	if len(names) != 1 || string(names[0]) != string(p.ca.cert.RawSubject) {
		t.Errorf("got %q", names)
	}
}

// resuming returns a client with a cache of sessions.
func resuming(client *tls.Config, version uint16) *tls.Config {
	client.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	client.MaxVersion = version
	return client
}

func TestResumption(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		p := newParty(t).verifying(VerifyOn)
		client := resuming(withCertificate(makeCert(t, p.ca, testcert.ECKey(t))), version)
		if s := p.mustConnect(t, client); s.DidResume {
			t.Errorf("%x: the first session is a resumed one", version)
		}
		if s := p.mustConnect(t, client); !s.DidResume || s.verified() != "SUCCESS" {
			t.Errorf("%x: got %+v", version, s)
		}
	}
}

// TestResumedSessionIsVerified checks that a session is not accepted longer than the certificate of its client.
func TestResumedSessionIsVerified(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		p := newParty(t).verifying(VerifyOn)
		now := time.Now()
		p.server.Verifier.Clock = func() time.Time { return now }
		mid := makeCert(t, p.ca, testcert.ECKey(t), func(c *x509.Certificate) {
			authority(c)
			c.Subject.CommonName, c.NotAfter = "intermediate", now.Add(2*time.Minute)
		})
		leaf := makeCert(t, mid, testcert.ECKey(t))
		client := insecure()
		client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &tls.Certificate{Certificate: [][]byte{leaf.cert.Raw, mid.cert.Raw}, PrivateKey: leaf.key}, nil
		}
		resuming(client, version)
		if s := p.mustConnect(t, client); s.verified() != "SUCCESS" {
			t.Fatalf("%x: %s", version, s.verified())
		}
		now = now.Add(3 * time.Minute)
		if s := p.mustConnect(t, client); !s.DidResume || s.verified() != "FAILED:certificate has expired" {
			t.Errorf("%x: resumed %v with %s", version, s.DidResume, s.verified())
		}
	}
}

// TestTicketsAreBound checks that a ticket opens only where it was made.
func TestTicketsAreBound(t *testing.T) {
	other := makeCert(t, nil, testcert.ECKey(t), authority)
	for name, change := range map[string]func(*party){
		"another server": func(p *party) { p.server.Name = "two" },
		"another certificate": func(p *party) {
			p.server.Certificates = []tls.Certificate{makeCert(t, p.ca, testcert.ECKey(t)).loaded()}
		},
		"other authorities": func(p *party) {
			p.server.Verifier = &Verifier{Store: certverify.NewStore([]*x509.Certificate{p.ca.cert, other.cert}, nil), Depth: 1, Level: 2}
		},
		"a revocation list": func(p *party) { p.verifying(VerifyOn, revocationList(t, p.ca)) },
		"another depth":     func(p *party) { p.server.Verifier.Depth = 2 },
		"another mode":      func(p *party) { p.server.Verify = VerifyOptional },
		"other names":       func(p *party) { p.server.ClientAuthorities = nil },
		"other keys":        func(p *party) { p.server.Tickets = NewRandomKeys(time.Hour) },
		"no tickets":        func(p *party) { p.server.Tickets = nil },
		"no timeout":        func(p *party) { p.server.Timeout = -time.Second },
		"a command":         func(p *party) { p.server.Commands = []Command{{"Options", "-SessionTicket"}} },
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			p := newParty(t).verifying(VerifyOn)
			client := resuming(withCertificate(makeCert(t, p.ca, testcert.ECKey(t))), version)
			p.mustConnect(t, client)
			change(p)
			if s := p.mustConnect(t, client); s.DidResume {
				t.Errorf("%s, %x: the session is resumed", name, version)
			}
		}
	}
}

func TestTicketsSurviveReload(t *testing.T) {
	p := newParty(t)
	keys := FixedKeys{newTicketKey([]byte(strings.Repeat("a", 48))), newTicketKey([]byte(strings.Repeat("b", 80)))}
	p.server.Tickets = keys
	client := resuming(insecure(), tls.VersionTLS13)
	p.mustConnect(t, client)
	p.server.Tickets = FixedKeys{keys[1], keys[0]}
	if s := p.mustConnect(t, client); !s.DidResume {
		t.Error("the second key does not decrypt")
	}
	p.server.Tickets = FixedKeys{keys[0]}
	if s := p.mustConnect(t, client); s.DidResume {
		t.Error("a ticket of a removed key is accepted")
	}
}

func TestSessionTimeout(t *testing.T) {
	p := newParty(t).verifying(VerifyOptional)
	now := time.Now()
	p.server.Verifier.Clock = func() time.Time { return now }
	client := resuming(insecure(), tls.VersionTLS13)
	p.mustConnect(t, client)
	now = now.Add(p.server.Timeout + 2*time.Second)
	if s := p.mustConnect(t, client); s.DidResume {
		t.Error("a session is resumed after its timeout")
	}
	now = now.Add(p.server.Timeout - 2*time.Second)
	if s := p.mustConnect(t, client); !s.DidResume {
		t.Error("a session is not resumed before its timeout")
	}
}

// TestSessionTimeoutOfTLS12 checks that a resumed session of TLS 1.2 has the time of its first handshake.
func TestSessionTimeoutOfTLS12(t *testing.T) {
	p := newParty(t).verifying(VerifyOptional)
	now := time.Now()
	p.server.Verifier.Clock = func() time.Time { return now }
	client := resuming(insecure(), tls.VersionTLS12)
	p.mustConnect(t, client)
	now = now.Add(p.server.Timeout - 2*time.Second)
	if s := p.mustConnect(t, client); !s.DidResume {
		t.Error("a session is not resumed before its timeout")
	}
	now = now.Add(4 * time.Second)
	if s := p.mustConnect(t, client); s.DidResume {
		t.Error("a session that was resumed once is resumed after its timeout")
	}
}

func TestRandomKeys(t *testing.T) {
	k := NewRandomKeys(time.Minute)
	now := time.Unix(1_800_000_000, 0)
	first := k.Current(now)
	if again := k.Current(now.Add(59 * time.Second)); again.name != first.name {
		t.Error("the key changes within its period")
	}
	second := k.Current(now.Add(61 * time.Second))
	if second.name == first.name {
		t.Error("the key does not change after its period")
	}
	if _, ok := k.Named(first.name, now.Add(90*time.Second)); !ok {
		t.Error("the key of the previous period does not decrypt")
	}
	if _, ok := k.Named(first.name, now.Add(122*time.Second)); ok {
		t.Error("the key decrypts after two periods")
	}
	if _, ok := k.Named(second.name, now.Add(time.Hour)); ok {
		t.Error("the key decrypts after an hour without sessions")
	}
	if back := k.Current(now.Add(-time.Hour)); back.secret == nil {
		t.Error("no key after the clock was set back")
	}
	if _, ok := NewRandomKeys(time.Minute).Named([16]byte{}, now); ok {
		t.Error("a key without a name")
	}
}

func TestCertificateChoice(t *testing.T) {
	p := newParty(t)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	first, second := makeCert(t, p.ca, testcert.RSAKey(t, 2048)), makeCert(t, p.ca, testcert.RSAKey(t, 2048))
	edCert := makeCert(t, p.ca, ed)
	p.server.Certificates = []tls.Certificate{first.loaded(), p.certificate.loaded(), second.loaded(), edCert.loaded()}
	config, _, err := p.server.Config()
	if err != nil || len(config.Certificates) != 3 {
		t.Fatalf("%d certificates, %v", len(config.Certificates), err)
	}
	for _, c := range []struct {
		client *tls.Config
		want   *made
	}{
		{insecure(), p.certificate},
		{&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
			InsecureSkipVerify: true, ServerName: "unknown.example"}, second},
		{&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}, InsecureSkipVerify: true}, second},
		{&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, InsecureSkipVerify: true}, p.certificate},
	} {
		var got []byte
		c.client.VerifyConnection = func(cs tls.ConnectionState) error {
			got = cs.PeerCertificates[0].Raw
			return nil
		}
		p.mustConnect(t, c.client)
		if !slices.Equal(got, c.want.cert.Raw) {
			t.Errorf("%v: another certificate", c.client.CipherSuites)
		}
	}
}

func TestServerConfigErrors(t *testing.T) {
	p := newParty(t)
	p.server.Ciphers = "FOO"
	if _, _, err := p.server.Config(); err == nil {
		t.Error("no error for unknown ciphers")
	}
}

func TestUpstream(t *testing.T) {
	p := newParty(t)
	settings := defaults()
	settings.Ciphers = "DEFAULT"
	client, warnings, err := NewClient(settings)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	verifier := &Verifier{Store: certverify.NewStore([]*x509.Certificate{p.ca.cert}, nil), Usage: certverify.ForServers, Depth: 1, Level: 2}
	stranger := &Verifier{Store: certverify.NewStore(nil, nil), Usage: certverify.ForServers, Depth: 1, Level: 2}
	sessions := tls.NewLRUClientSessionCache(1)
	for i, c := range []struct {
		verifier   *Verifier
		name, want string
	}{
		{verifier, "server", ""},
		{verifier, "other", `upstream SSL certificate does not match "other"`},
		{stranger, "server", "upstream SSL certificate verify error: (21:unable to verify the first certificate)"},
	} {
		config := client.Config(Connection{ServerName: "sent", Sessions: sessions})
		var got error
		var resumed bool
		config.VerifyConnection = func(cs tls.ConnectionState) error {
			got, resumed = CheckUpstream(cs, c.verifier, c.name), cs.DidResume
			return nil
		}
		if s := p.mustConnect(t, config); s.ServerName != "sent" || resumed != (i > 0) {
			t.Errorf("%s: the name %q is sent, resumed %v", c.name, s.ServerName, resumed)
		}
		checkSentence(t, c.name, got, c.want)
	}
	if _, _, err := NewClient(Settings{Ciphers: "FOO"}); err == nil {
		t.Error("no error for unknown ciphers")
	}
	if s := p.mustConnect(t, client.Config(Connection{})); s.ServerName != "" || s.DidResume {
		t.Errorf("got %+v", s)
	}
}

func FuzzTicket(f *testing.F) {
	keys := FixedKeys{newTicketKey([]byte(strings.Repeat("a", 48)))}
	box := &ticketBox{keys: keys, now: time.Now, timeout: time.Hour}
	f.Add([]byte(strings.Repeat("a", 100)))
	f.Add([]byte("aaaaaaaaaaaaaaaa"))
	f.Fuzz(func(t *testing.T, ticket []byte) {
		if s, err := box.unwrap(ticket, tls.ConnectionState{}); s != nil || err != nil {
			t.Errorf("%x opens: %v, %v", ticket, s, err)
		}
	})
}
