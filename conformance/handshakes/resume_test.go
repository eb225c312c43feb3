package handshakes

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/conformance/authority"
	"weir/conformance/ports"
	"weir/conformance/program"
)

// A stage is what a resumption meets: certificates, files and addresses.
type stage struct {
	t           *testing.T
	weir        *program.Server
	addr, other string
	ca, second  *authority.Authority
	server      authority.Pair
	device      authority.Pair
	keys        string // a setting of ssl_session_ticket_key; empty for keys that weir makes
}

func newStage(t *testing.T, fixedKeys bool) *stage {
	t.Helper()
	dir := t.TempDir()
	s := &stage{t: t, addr: ports.Reserve(t).String(), other: ports.Reserve(t).String(), ca: newAuthority(t, dir, "ca"), second: newAuthority(t, dir, "second")}
	s.server = pair(t)(s.ca.Server("a.example.com", "b.example.com"))
	s.device = pair(t)(s.ca.Client("device-1", "Fleet"))
	if !fixedKeys {
		return s
	}
	path := filepath.Join(dir, "tickets")
	s.keys = "ssl_session_ticket_key " + path + ";"
	if err := os.WriteFile(path, bytes.Repeat([]byte("0123456789abcdef"), 5), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// conf returns a configuration with a server on s.addr, in which the settings stand, and more servers.
func (s *stage) conf(settings string, servers ...string) string {
	return fmt.Sprintf(`ssl_certificate %s; ssl_certificate_key %s; %s
server { listen %s ssl; server_name a.example.com; %s return "$ssl_session_reused $ssl_client_verify"; }
%s`, s.server.Cert, s.server.Key, s.keys, s.addr, settings, strings.Join(servers, "\n"))
}

// verify returns the settings of mutual TLS.
func (s *stage) verify(mode string, ca *authority.Authority) string {
	return fmt.Sprintf("ssl_verify_client %s; ssl_client_certificate %s;", mode, ca.Path)
}

// revoked returns the setting of a revocation list with these certificates.
func (s *stage) revoked(pairs ...authority.Pair) string {
	path, err := s.ca.Revoke(pairs...)
	if err != nil {
		s.t.Fatal(err)
	}
	return "ssl_crl " + path + ";"
}

// A resumption is a visit that offers the session of an earlier one.
type resumption struct {
	name   string
	first  string // configuration of the visit that gets the session
	second string // configuration of the visit that offers it; empty is the first one
	host   string // name that the second visit requests; empty is a.example.com
	other  bool   // the second visit is to the other address
	// revokes adds the certificate to the revocation list before the second visit.
	revokes bool
	want    string // what the second visit receives; empty means that it is refused
}

// resumptions returns the cases; each has a configuration of its own.
func (s *stage) resumptions() []resumption {
	mutual := s.conf(s.verify("on", s.ca))
	withList := s.conf(s.verify("on", s.ca) + s.revoked())
	sameNamed := fmt.Sprintf(`server { listen %s ssl; server_name b.example.com; return "$ssl_session_reused $ssl_client_verify"; }`, s.addr)
	verifiedNamed := fmt.Sprintf(`server { listen %s ssl; server_name b.example.com; %s return "$ssl_session_reused $ssl_client_verify"; }`,
		s.addr, s.verify("on", s.ca))
	elsewhere := fmt.Sprintf(`server { listen %s ssl; server_name c.example.com; return "$ssl_session_reused $ssl_client_verify"; }`, s.other)
	return []resumption{
		{name: "the same server", first: s.conf(""), want: "r NONE"},
		{name: "the same server with a certificate", first: mutual, want: "r SUCCESS"},
		{name: "a reload without a change", first: mutual, second: mutual, want: "r SUCCESS"},
		{name: "a server of another name", first: s.conf("", sameNamed), host: "b.example.com", want: ". NONE"},
		{name: "a server of another name that requires a certificate", first: s.conf("", verifiedNamed), host: "b.example.com", want: ". SUCCESS"},
		{name: "a server of another address", first: s.conf("", elsewhere), other: true, want: ". NONE"},
		{name: "a reload that replaces the authority", first: mutual, second: s.conf(s.verify("on", s.second))},
		{name: "a reload that replaces the authority, optional", first: s.conf(s.verify("optional", s.ca)),
			second: s.conf(s.verify("optional", s.second))},
		{name: "a reload that revokes the certificate", first: withList, second: withList, revokes: true},
		{name: "a reload that adds a revocation list", first: mutual, second: withList, revokes: true},
		{name: "a reload that requires a certificate", first: s.conf(""), second: mutual, want: ". SUCCESS"},
		{name: "a reload that makes the certificate necessary", first: s.conf(s.verify("optional", s.ca)), second: mutual, want: ". SUCCESS"},
		{name: "a reload that lowers the depth", first: mutual, second: s.conf(s.verify("on", s.ca) + "ssl_verify_depth 0;"), want: ". SUCCESS"},
	}
}

// TestResumptionSkipsNoCheck tests that a session is resumed only where a full handshake would have
// verified the same.
func TestResumptionSkipsNoCheck(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, fixedKeys := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, fixed keys %v", tls.VersionName(version), fixedKeys), func(t *testing.T) {
				s := newStage(t, fixedKeys)
				for _, r := range s.resumptions() {
					t.Run(r.name, func(t *testing.T) { s.resume(t, r, version) })
				}
			})
		}
	}
}

// resume visits weir twice.
func (s *stage) resume(t *testing.T, r resumption, version uint16) {
	t.Helper()
	if s.weir == nil {
		s.weir = startWeir(s.t, s.t.TempDir(), r.first)
	} else {
		s.weir.Reload(t, streamConf(r.first))
	}
	config := &tls.Config{
		RootCAs: s.ca.Pool(), ServerName: "a.example.com", MaxVersion: version, ClientSessionCache: &oneSession{},
		// Unlike Certificates, it does not compare the authorities that the server accepts.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &s.device.TLS, nil },
	}
	if got, resumed, err := visit(s.addr, config); err != nil || resumed {
		t.Fatalf("the first visit: got %q, %v, resumed %v", got, err, resumed)
	}
	if r.second != "" {
		if r.revokes {
			s.revoked(s.device)
		}
		s.weir.Reload(t, streamConf(r.second))
	}
	addr := s.addr
	if r.other {
		addr = s.other
	}
	if r.host != "" {
		config = config.Clone()
		config.ServerName = r.host
	}
	got, resumed, err := visit(addr, config)
	if resumed != strings.HasPrefix(r.want, "r") {
		t.Errorf("the second visit was resumed: %v", resumed)
	}
	if got != r.want || r.want != "" && err != nil {
		t.Errorf("the second visit: got %q and %v, want %q", got, err, r.want)
	}
}

// visit connects, and returns what weir sends.
func visit(addr string, config *tls.Config) (text string, resumed bool, err error) {
	c, err := tls.DialWithDialer(dialer, "tcp", addr, config)
	if err != nil {
		return "", false, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(program.Patience)); err != nil {
		return "", false, err
	}
	b, err := io.ReadAll(c)
	return string(b), c.ConnectionState().DidResume, err
}

// A oneSession offers the latest session to every server.
type oneSession struct {
	mu      sync.Mutex
	session *tls.ClientSessionState
}

// Get returns the session.
func (o *oneSession) Get(string) (*tls.ClientSessionState, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.session, o.session != nil
}

// Put keeps the session. A failed handshake removes none.
func (o *oneSession) Put(_ string, s *tls.ClientSessionState) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s != nil {
		o.session = s
	}
}
