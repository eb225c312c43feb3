package handshakes

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"weir/conformance/authority"
	"weir/conformance/ports"
	"weir/conformance/program"
)

// TestSessionsResumeAfterReload tests that weir keeps the keys of tickets that it has made itself.
func TestSessionsResumeAfterReload(t *testing.T) {
	dir, addr := t.TempDir(), ports.Reserve(t).String()
	ca := newAuthority(t, dir, "ca")
	server := pair(t)(ca.Server("a.example.com"))
	conf := func(server authority.Pair) string {
		return fmt.Sprintf(`server { listen %s ssl; ssl_certificate %s; ssl_certificate_key %s; return "$ssl_session_reused"; }`,
			addr, server.Cert, server.Key)
	}
	w := startWeir(t, dir, conf(server))
	client := &tls.Config{RootCAs: ca.Pool(), ServerName: "a.example.com", ClientSessionCache: &oneSession{}}
	want := func(what, text string) {
		t.Helper()
		if got, _, err := visit(addr, client); got != text || err != nil {
			t.Errorf("%s: got %q and %v, want %q", what, got, err, text)
		}
	}
	want("the first visit", ".")
	w.Reload(t, streamConf(conf(server)))
	want("after a reload", "r")
	w.Reload(t, streamConf(conf(pair(t)(ca.Server("a.example.com")))))
	want("after a reload with another certificate", ".")
}

// A site is a weir with -watch, whose certificate changes.
type site struct {
	t    *testing.T
	weir *program.Server
	addr string
	ca   *authority.Authority
}

// TestWatchedCertificate tests that -watch uses a new certificate, keeps the old one while the new one
// does not match its key, and that a session is not affected.
func TestWatchedCertificate(t *testing.T) {
	s := &site{t: t, addr: ports.Reserve(t).String()}
	dir := t.TempDir()
	s.ca = newAuthority(t, dir, "ca")
	first, second := pair(t)(s.ca.Server("first", "a.example.com")), pair(t)(s.ca.Server("second", "a.example.com"))
	s.weir = &program.Server{Dir: dir}
	s.replace("server.crt", first.Cert)
	s.replace("server.key", first.Key)
	s.weir = startWeir(t, dir, fmt.Sprintf(`server { listen %s ssl; ssl_certificate server.crt; ssl_certificate_key server.key; proxy_pass %s; }`,
		s.addr, startEcho(t)), "-watch")
	session := s.dial()
	if !s.serves(first) {
		t.Fatal("the first certificate is not in use")
	}
	s.replace("server.crt", second.Cert)
	program.Await(t, "the error of the pair", func() bool {
		return strings.Contains(s.weir.Read(t, "error.log"), "key values mismatch")
	})
	if !s.serves(first) {
		t.Error("the first certificate is not in use while the second has no key")
	}
	s.replace("server.key", second.Key)
	program.Await(t, "the second certificate", func() bool { return s.serves(second) })
	s.ping(session)
}

// replace replaces a file in one step.
func (s *site) replace(name, from string) {
	s.t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		s.t.Fatal(err)
	}
	path := s.weir.Path(name)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		s.t.Fatal(err)
	}
}

// dial opens a session and checks that it works.
func (s *site) dial() *tls.Conn {
	s.t.Helper()
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: program.Patience}, "tcp", s.addr, &tls.Config{RootCAs: s.ca.Pool(), ServerName: "a.example.com"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(program.Patience)); err != nil {
		s.t.Fatal(err)
	}
	s.ping(c)
	return c
}

func (s *site) ping(c *tls.Conn) {
	s.t.Helper()
	if _, err := c.Write([]byte("ping")); err != nil {
		s.t.Fatal(err)
	}
	b := make([]byte, 4)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "ping" {
		s.t.Fatalf("got %q and %v, want ping", b, err)
	}
}

// serves reports whether a new session gets the certificate.
func (s *site) serves(p authority.Pair) bool {
	s.t.Helper()
	c := s.dial()
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Equal(p.TLS.Leaf)
}
