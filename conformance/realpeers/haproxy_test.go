package realpeers

import (
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/conformance/authority"
	"weir/conformance/installed"
	"weir/conformance/program"
)

// tlvs are the variables for what HAProxy knows about TLS.
var tlvs = []string{
	"authority", "alpn", "ssl_verify", "ssl_version", "ssl_cn", "ssl_cipher", "ssl_sig_alg", "ssl_key_alg",
}

// startHAProxy runs HAProxy, which terminates TLS and sends its facts to addr in a PROXY header. It
// returns its address.
func startHAProxy(t *testing.T, addr string) string {
	t.Helper()
	haproxy := installed.Program(t, "haproxy", "haproxy")
	dir, front := t.TempDir(), freeAddr(t)
	bundle := filepath.Join(dir, "bundle.pem")
	var both []byte
	for _, path := range []string{shared.Server.Cert, shared.Server.Key} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, text...)
	}
	if err := os.WriteFile(bundle, both, 0o600); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`global
  maxconn 100
defaults
  mode tcp
  timeout connect 10s
  timeout client 60s
  timeout server 60s
listen fleet
  bind %s ssl crt %s ca-file %s verify optional crt-ignore-err all alpn mqtt
  server weir %s send-proxy-v2-ssl-cn proxy-v2-options ssl-cipher,cert-sig,cert-key,authority
`, front, bundle, shared.CA, addr)
	conf := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	p := start(t, nil, nil, haproxy, "-db", "-f", conf)
	program.Await(t, "HAProxy to listen on "+front, func() bool {
		if p.hasEnded() {
			t.Fatalf("HAProxy ended: %v", p.cmd.ProcessState)
		}
		return accepts(front)
	})
	return front
}

// TestTLVsOfHAProxy compares the variables of the TLVs with what the client negotiated.
func TestTLVsOfHAProxy(t *testing.T) {
	t.Parallel()
	installed.Program(t, "haproxy", "haproxy")
	var shown []string
	for _, name := range tlvs {
		shown = append(shown, name+"=$proxy_protocol_tlv_"+name)
	}
	f := &front{addr: freeAddr(t)}
	f.run(t, fmt.Sprintf("pid weir.pid; error_log logs/error.log info; events { }\nstream { server { listen %s proxy_protocol; return \"%s\"; } }\n",
		f.addr, strings.Join(shown, " ")))
	addr := startHAProxy(t, f.addr)

	stranger := otherDevice(t)
	for _, tt := range []struct {
		name  string
		alter func(*tls.Config)
		want  string
	}{
		{"TLS 1.3", func(*tls.Config) {}, "alpn=mqtt ssl_verify=0 ssl_version=TLSv1.3 ssl_cn=device-42 ssl_cipher=TLS_AES_256_GCM_SHA384"},
		{"TLS 1.2", func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
		}, "alpn=mqtt ssl_verify=0 ssl_version=TLSv1.2 ssl_cn=device-42 ssl_cipher=ECDHE-ECDSA-AES128-GCM-SHA256"},
		{"no certificate, no ALPN", func(c *tls.Config) { c.Certificates, c.NextProtos = nil, nil },
			"alpn= ssl_verify=0 ssl_version=TLSv1.3 ssl_cn= ssl_cipher=TLS_AES_256_GCM_SHA384"},
		{"untrusted certificate", func(c *tls.Config) {
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &stranger, nil }
		}, "alpn=mqtt ssl_verify=21 ssl_version=TLSv1.3 ssl_cn=stranger ssl_cipher=TLS_AES_256_GCM_SHA384"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := shared.config()
			config.NextProtos = []string{"mqtt"}
			tt.alter(config)
			want := "authority=" + shared.Name + " " + tt.want + " ssl_sig_alg=ecdsa-with-SHA256 ssl_key_alg=EC256"
			if got := reply(t, addr, config); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// otherDevice returns a certificate of another authority.
func otherDevice(t *testing.T) tls.Certificate {
	t.Helper()
	other, err := authority.New(t.TempDir(), "other-ca")
	if err != nil {
		t.Fatal(err)
	}
	p, err := other.Client("stranger", "Nowhere")
	if err != nil {
		t.Fatal(err)
	}
	return p.TLS
}

// reply connects and returns everything that the server sends.
func reply(t *testing.T, addr string, config *tls.Config) string {
	t.Helper()
	conn, err := dialFrom("127.0.0.1", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(program.Patience)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(tls.Client(conn, config))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
