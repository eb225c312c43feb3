package webserver

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/certverify"
	"weir/internal/testcert"
	"weir/internal/tlsconf"
	"weir/web"
)

// handshakes are the names of the counters of the process that change, in order.
type handshakes chan string

func (h handshakes) Done(resumed bool) {
	if resumed {
		h <- "resumed"
		return
	}
	h <- "done"
}
func (h handshakes) TimedOut()                    { h <- "timed out" }
func (h handshakes) Failed(error)                 { h <- "failed" }
func (h handshakes) NoCertificate()               { h <- "no certificate" }
func (h handshakes) Unverified(_ certverify.Code) { h <- "unverified" }

// expect checks the next counter.
func (h handshakes) expect(t *testing.T, want string) {
	t.Helper()
	if got := <-h; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A tlsRig is a rig with TLS whose server has the zone z.
type tlsRig struct {
	*rig
	certificate   tls.Certificate
	process, zone handshakes
}

func newTLSRig(t *testing.T, content contentFunc, set ...func(*web.TLS)) *tlsRig {
	t.Helper()
	r := &tlsRig{certificate: testcert.SelfSigned(t, "x").TLS(), process: make(handshakes, 9999), zone: make(handshakes, 9999)}
	settings := &web.TLS{Config: &tls.Config{Certificates: []tls.Certificate{r.certificate}}}
	settings.Config.SetSessionTicketKeys([][32]byte{{}})
	for _, f := range set {
		f(settings)
	}
	r.rig = newRig(t, content, func(l *web.Listen) { l.TLS, l.Default.TLS, l.Default.Zone = true, settings, "z" })
	r.env.Handshakes = func(zone string) web.Handshakes {
		if zone == "" {
			return r.process
		}
		return r.zone
	}
	return r
}

// client returns a configuration that trusts the server.
func (r *tlsRig) client() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(r.certificate.Leaf)
	return &tls.Config{ServerName: "x", RootCAs: roots, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
}

// request sends a request over TLS, and returns the response.
func (r *tlsRig) request(config *tls.Config) string {
	r.t.Helper()
	c := tls.Client(r.dial(), config)
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		r.t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(answer)
}

func (r *tlsRig) expect(want string) {
	r.t.Helper()
	r.process.expect(r.t, want)
	r.zone.expect(r.t, want)
}

func TestHandshakesAreCounted(t *testing.T) {
	r := newTLSRig(t, hello)
	config := r.client()
	r.request(config)
	r.expect("done")
	r.request(config)
	r.expect("resumed")
	if err := tls.Client(r.dial(), &tls.Config{ServerName: "x", RootCAs: x509.NewCertPool()}).Handshake(); err == nil {
		t.Error("the client trusts the server")
	}
	r.expect("failed")
}

func TestSlowHandshakeIsCounted(t *testing.T) {
	r := newTLSRig(t, hello)
	r.Shutdown()
	r.listen.Default.HeaderTimeout = time.Millisecond
	r.Server = r.New(r.admit)
	r.open()
	r.until("a slow handshake is counted", func() bool {
		slow := r.dial()
		slow.send("\x16\x03")
		slow.ended()
		select {
		case got := <-r.process:
			return got == "timed out"
		default:
			return false // not yet, or the time ended before the data arrived
		}
	})
}

// TestNoHandshakeIsCounted checks clients that begin none: a silent one, and one that sends a plain request.
func TestNoHandshakeIsCounted(t *testing.T) {
	r := newTLSRig(t, hello)
	r.dial().Close()
	c := r.dial()
	c.send(get)
	c.expect(400, "The plain HTTP request was sent to HTTPS port")
	c.ended()
	r.until("the connections are closed", func() bool { return r.Counters().Handled.Load() == 2 && r.Counters().Active.Load() == 0 })
	r.request(r.client())
	r.expect("done")
}

func TestRefusedCertificatesAreCounted(t *testing.T) {
	r := newTLSRig(t, hello, func(s *web.TLS) {
		s.Config.ClientAuth = tls.RequestClientCert
		s.Mode, s.Verifier = tlsconf.VerifyOn, &tlsconf.Verifier{Store: certverify.NewStore(nil, nil), Depth: 1}
	})
	config := r.client()
	r.request(config)
	r.expect("done")
	r.expect("no certificate")
	config = r.client()
	config.Certificates = []tls.Certificate{testcert.SelfSigned(t, "x").TLS()}
	r.request(config)
	r.expect("done")
	r.expect("unverified")
}

// TestCertificateIsVerifiedOnce checks that requests of one connection share the result for the client's certificate.
func TestCertificateIsVerifiedOnce(t *testing.T) {
	var times atomic.Int64
	r := newTLSRig(t, hello, func(s *web.TLS) {
		s.Config.ClientAuth, s.Mode = tls.RequestClientCert, tlsconf.VerifyOptionalNoCA
		s.Verifier = &tlsconf.Verifier{Store: certverify.NewStore(nil, nil), Depth: 1, Clock: func() time.Time {
			times.Add(1)
			return time.Now()
		}}
	})
	config := r.client()
	config.Certificates = []tls.Certificate{testcert.SelfSigned(t, "x").TLS()}
	c := tls.Client(r.dial(), config)
	defer c.Close()
	answers := bufio.NewReader(c)
	for range 3 {
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("got %v, %v", answer, err)
		}
		io.Copy(io.Discard, answer.Body)
	}
	if got := times.Load(); got != 1 {
		t.Errorf("the certificate was verified %d times", got)
	}
}
