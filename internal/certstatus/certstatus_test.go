package certstatus

import (
	"context"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"weir/internal/certverify"
	"weir/internal/testcert"
)

// now is the time of the tests.
var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// issue returns a certificate that by has signed; nil makes an authority.
func issue(t *testing.T, by *testcert.Certificate, name string, change func(*x509.Certificate)) *testcert.Certificate {
	t.Helper()
	return issueFor(t, testcert.ECKey(t), by, name, change)
}

func issueFor(
	t *testing.T, key crypto.Signer, by *testcert.Certificate, name string, change func(*x509.Certificate),
) *testcert.Certificate {
	t.Helper()
	return testcert.Issue(t, by, key, testcert.Name(name), func(c *x509.Certificate) {
		c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(7), now.Add(-time.Hour), now.Add(time.Hour)
		if by == nil {
			testcert.Authority(c)
		}
		if change != nil {
			change(c)
		}
	})
}

func delegated(c *x509.Certificate) {
	c.SerialNumber, c.ExtKeyUsage = big.NewInt(8), []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
}

// sign returns a response about certificates of an authority, with the certificate of its signer.
func sign(t *testing.T, about, signer *testcert.Certificate, change func(*ocsp.Response)) []byte {
	t.Helper()
	r := ocsp.Response{
		Status: ocsp.Good, SerialNumber: big.NewInt(7), ThisUpdate: now, NextUpdate: now.Add(time.Hour), Certificate: signer.Certificate,
	}
	if change != nil {
		change(&r)
	}
	der, err := ocsp.CreateResponse(about.Certificate, signer.Certificate, r, signer.Key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestVerify checks which responses are accepted for a client's certificate.
func TestVerify(t *testing.T) {
	ca, other := issue(t, nil, "ca", nil), issue(t, nil, "other", nil)
	delegate, undelegated := issue(t, ca, "delegate", delegated), issue(t, ca, "undelegated", nil)
	late := issue(t, ca, "late", func(c *x509.Certificate) { delegated(c); c.NotAfter = now.Add(-time.Minute) })
	middle := issue(t, ca, "middle", func(c *x509.Certificate) { delegated(c); c.IsCA, c.BasicConstraintsValid = true, true })
	below := issue(t, middle, "below", delegated)
	q := &Question{Certificate: issue(t, ca, "client", nil).Certificate, Issuer: ca.Certificate}
	q.Trust.Store = certverify.NewStore([]*x509.Certificate{ca.Certificate, other.Certificate}, nil)
	tests := []struct {
		name     string
		response []byte
		want     string
	}{
		{"by the authority", sign(t, ca, ca, nil), ""},
		{"without its certificate", sign(t, ca, ca, func(r *ocsp.Response) { r.Certificate = nil }), ""},
		{"by a delegate", sign(t, ca, delegate, nil), ""},
		{"by a delegate whose certificate is not known", sign(t, ca, delegate, func(r *ocsp.Response) { r.Certificate = nil }), errSigner},
		{"by a certificate without the usage", sign(t, ca, undelegated, nil), errUsage + errRoot},
		{"by an expired delegate", sign(t, ca, late, nil), "certificate has expired"},
		{"by a trusted authority that is not the issuer", sign(t, ca, other, nil), errRoot},
		{"by a delegate of another authority", sign(t, ca, below, nil), "unable to get local issuer certificate"},
		{"by another key", sign(t, ca, &testcert.Certificate{Certificate: ca.Certificate, Key: other.Key}, func(r *ocsp.Response) { r.Certificate = nil }), errSignature},
		{"by a key that is not the certificate's", sign(t, ca, &testcert.Certificate{Certificate: ca.Certificate, Key: other.Key}, nil), errSignature},
		{"about the certificate of another authority", sign(t, other, ca, nil), errNotFound.Error()},
		{"about another certificate", sign(t, ca, ca, func(r *ocsp.Response) { r.SerialNumber = big.NewInt(9) }), errNotFound.Error()},
		{"with another hash", sign(t, ca, ca, func(r *ocsp.Response) { r.IssuerHash = crypto.SHA256 }), errNotFound.Error()},
		{"from the future", sign(t, ca, ca, func(r *ocsp.Response) { r.ThisUpdate = now.Add(6 * time.Minute) }), errNotYetValid},
		{"from a clock that is ahead", sign(t, ca, ca, func(r *ocsp.Response) { r.ThisUpdate = now.Add(4 * time.Minute) }), ""},
		{"expired", sign(t, ca, ca, func(r *ocsp.Response) {
			r.ThisUpdate, r.NextUpdate = now.Add(-time.Hour), now.Add(-6*time.Minute)
		}), errExpired},
		{"just expired", sign(t, ca, ca, func(r *ocsp.Response) {
			r.ThisUpdate, r.NextUpdate = now.Add(-time.Hour), now.Add(-4*time.Minute)
		}), ""},
		{"with times in the wrong order", sign(t, ca, ca, func(r *ocsp.Response) { r.NextUpdate = now.Add(-time.Minute) }), errOrder},
		{"without an end", sign(t, ca, ca, func(r *ocsp.Response) { r.NextUpdate = time.Time{} }), ""},
		{"busy", ocsp.TryLaterErrorResponse, "OCSP response not successful (3: trylater)"},
		{"of another form", []byte("0"), "d2i_OCSP_RESPONSE() failed"},
		{"with a critical extension", sign(t, ca, ca, func(r *ocsp.Response) {
			r.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		}), "critical extension"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer, err := q.verify(tt.response, now)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, %v, want %s", answer.Status, err, tt.want)
			}
		})
	}
}

// TestVerifySharedKey checks that a response is not accepted with a certificate that another authority
// has issued for the same responder's key.
func TestVerifySharedKey(t *testing.T) {
	ca, other := issue(t, nil, "ca", nil), issue(t, nil, "other", nil)
	ofOther := issue(t, other, "responder", delegated)
	ofCA := issueFor(t, ofOther.Key, ca, "responder", delegated)
	q := &Question{Certificate: issue(t, ca, "client", nil).Certificate, Issuer: ca.Certificate}
	q.Trust.Store = certverify.NewStore([]*x509.Certificate{ca.Certificate, other.Certificate}, nil)
	if _, err := q.verify(sign(t, other, ofCA, nil), now); !errors.Is(err, errNotFound) {
		t.Errorf("got %v, want %v", err, errNotFound)
	}
}

// TestVerifyStaple checks which signers are accepted for a certificate of the server.
func TestVerifyStaple(t *testing.T) {
	ca := issue(t, nil, "ca", nil)
	undelegated := issue(t, ca, "undelegated", nil)
	none, trusted := certverify.NewStore(nil, nil), certverify.NewStore([]*x509.Certificate{ca.Certificate}, nil)
	tests := []struct {
		name   string
		trust  Trust
		signer *testcert.Certificate
		ok     bool
	}{
		{"any signer", Trust{}, undelegated, true},
		{"verified", Trust{Store: trusted, TrustOthers: true}, undelegated, false},
		{"verified, of the authority", Trust{Store: trusted, TrustOthers: true}, ca, true},
		{"verified, of an authority that is not trusted", Trust{Store: none, TrustOthers: true}, ca, false},
		{"verified, of the chain", Trust{Store: none, TrustOthers: true, Others: []*x509.Certificate{ca.Certificate}}, ca, true},
		{"the chain is not trusted", Trust{Store: none, Others: []*x509.Certificate{ca.Certificate}}, ca, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := &Question{Certificate: issue(t, ca, "own", nil).Certificate, Issuer: ca.Certificate, Trust: tt.trust}
			if _, err := q.verify(sign(t, ca, tt.signer, nil), now); (err == nil) != tt.ok {
				t.Errorf("got %v, want accepted: %v", err, tt.ok)
			}
		})
	}
}

// answering returns the address of a server that sends text and closes the connection, unless it stays
// open.
func answering(t *testing.T, text string, stays bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				request := make([]byte, 4096)
				if _, err := c.Read(request); err != nil {
					return
				}
				io.WriteString(c, text)
				if stays {
					io.Copy(io.Discard, c)
				}
			}()
		}
	}()
	return l.Addr().String()
}

const okHead = "HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n"

// TestAsk checks how the answers and failures of a responder end.
func TestAsk(t *testing.T) {
	ca := issue(t, nil, "ca", nil)
	good := string(sign(t, ca, ca, nil))
	revoked := string(sign(t, ca, ca, func(r *ocsp.Response) { r.Status, r.RevokedAt = ocsp.Revoked, now }))
	unknown := string(sign(t, ca, ca, func(r *ocsp.Response) { r.Status = ocsp.Unknown }))
	bad := answering(t, okHead, false)
	tests := []struct {
		name  string
		addrs []string
		want  Status
		log   []string
	}{
		{"good", []string{answering(t, okHead+"\r\n"+good, false)}, Good, nil},
		{"revoked", []string{answering(t, okHead+"\r\n"+revoked, false)}, Revoked, nil},
		{"unknown", []string{answering(t, okHead+"\r\n"+unknown, false)}, Unknown, nil},
		{"a connection that stays open", []string{answering(t, okHead+"Content-Length: "+itoa(len(good))+"\r\n\r\n"+good, true)}, Good, nil},
		{"the second address", []string{bad, answering(t, okHead+"\r\n"+good, false)}, Good, []string{"prematurely closed connection"}},
		{"no address is left", []string{bad, bad}, -1, []string{"prematurely", "prematurely"}},
		{"an answer that is not valid ends the question", []string{answering(t, okHead+"\r\n", false), bad}, -1, []string{"d2i_OCSP_RESPONSE"}},
		{"a part", []string{answering(t, okHead+"Content-Length: 9\r\n\r\n0", false)}, -1, []string{"prematurely closed connection"}},
		{"another code", []string{answering(t, "HTTP/1.1 404 Not Found\r\n\r\n"+good, false)}, -1, []string{"HTTP status 404"}},
		{"another type", []string{answering(t, "HTTP/1.1 200 OK\nContent-Type: text/html\n\n", false)}, -1, []string{`"Content-Type" header: "text/html"`}},
		{"too much", []string{answering(t, okHead+"\r\n"+strings.Repeat("x", maxResponse), true)}, -1, []string{"too large"}},
		{"an endless header", []string{answering(t, okHead+strings.Repeat("x", maxResponse), true)}, -1, []string{"too large"}},
		{"nothing listens", []string{"unix:/does/not/exist"}, -1, []string{"connect() to unix:/does/not/exist failed (2: No such file or directory)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &Client{Now: func() time.Time { return now }}
			q := &Question{Certificate: issue(t, ca, "client", nil).Certificate, Issuer: ca.Certificate}
			answer, problems, err := c.Ask(context.Background(), &Responder{Host: "localhost", Addrs: tt.addrs}, q)
			if tt.want >= 0 && (err != nil || answer.Status != tt.want || !answer.Until.Equal(now.Add(time.Hour))) {
				t.Errorf("got %+v, %v, want %v", answer, err, tt.want)
			}
			if tt.want < 0 && !errors.Is(err, ErrNoAnswer) {
				t.Errorf("got %v, want %v", err, ErrNoAnswer)
			}
			checkProblems(t, problems, append([]string{"no resolver defined to resolve localhost"}, tt.log...))
		})
	}
}

func itoa(n int) string { return big.NewInt(int64(n)).String() }

func checkProblems(t *testing.T, got []Problem, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got %v, want %q", got, want)
		return
	}
	for i, p := range got {
		if !strings.Contains(p.Text, want[i]) || !strings.Contains(p.Text, " while requesting certificate status, responder: localhost") {
			t.Errorf("got %q, want %q with its context", p.Text, want[i])
		}
	}
}

// TestAskMustBeGood checks that a question about a certificate of the server has no other answer.
func TestAskMustBeGood(t *testing.T) {
	ca := issue(t, nil, "ca", nil)
	der := sign(t, ca, ca, func(r *ocsp.Response) { r.Status, r.RevokedAt = ocsp.Revoked, now })
	c := &Client{Now: func() time.Time { return now }}
	q := &Question{Certificate: issue(t, ca, "own", nil).Certificate, Issuer: ca.Certificate, MustBeGood: true}
	addrs := []string{answering(t, okHead+"\r\n"+string(der), false)}
	_, problems, err := c.Ask(context.Background(), &Responder{Host: "localhost", Addrs: addrs}, q)
	if !errors.Is(err, ErrNoAnswer) {
		t.Errorf("got %v, want %v", err, ErrNoAnswer)
	}
	checkProblems(t, problems, []string{"no resolver", `certificate status "revoked" in the OCSP response`})
}

// TestAskTimesOut checks that the end of the context ends a question to a responder that is silent.
func TestAskTimesOut(t *testing.T) {
	ca := issue(t, nil, "ca", nil)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	c := &Client{Now: func() time.Time { return now }}
	q := &Question{Certificate: issue(t, ca, "client", nil).Certificate, Issuer: ca.Certificate}
	_, problems, err := c.Ask(ctx, &Responder{Host: "localhost", Addrs: []string{answering(t, "", true)}}, q)
	if !errors.Is(err, ErrNoAnswer) {
		t.Errorf("got %v, want %v", err, ErrNoAnswer)
	}
	checkProblems(t, problems, []string{"no resolver", "OCSP responder timed out (110: Connection timed out)"})
}

// TestAskResolves checks the addresses that are asked.
func TestAskResolves(t *testing.T) {
	ca := issue(t, nil, "ca", nil)
	addr := netip.MustParseAddrPort(answering(t, okHead+"\r\n"+string(sign(t, ca, ca, nil)), false))
	fail := errors.New("3: Host not found")
	tests := []struct {
		name string
		host string
		err  error
		want []string
	}{
		{"a name", "localhost", nil, nil},
		{"an address is not looked up", "127.0.0.1", fail, nil},
		{"a name that does not exist", "localhost", fail, []string{"localhost could not be resolved (3: Host not found)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &Client{Now: func() time.Time { return now }}
			c.Resolve = func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{addr.Addr()}, tt.err }
			q := &Question{Certificate: issue(t, ca, "client", nil).Certificate, Issuer: ca.Certificate}
			_, problems, err := c.Ask(context.Background(), &Responder{Host: tt.host, Port: addr.Port()}, q)
			checkProblems(t, problems, tt.want)
			if (err != nil) != (tt.want != nil) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestRequest checks the request in HTTP.
func TestRequest(t *testing.T) {
	for path, want := range map[string]string{"": "/", "/": "/", "/a": "/a/", "/a/": "/a/", "/a?b": "/a?b/"} {
		got := string(httpRequest(&Responder{Host: "host", Path: path}, []byte("\xfb\xff\xfe1")))
		if want := "GET " + want + "%2B%2F%2F%2BMQ%3D%3D HTTP/1.0\r\nHost: host\r\n\r\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestParseHead checks which headers are complete and valid.
func TestParseHead(t *testing.T) {
	tests := []struct {
		text     string
		want     head
		complete bool
		valid    bool
	}{
		{"HTTP/1.1 200 OK\r\n\r\nbody", head{200, -1, 19}, true, true},
		{"HTTP/1.0 503\n\n", head{503, -1, 14}, true, true},
		{"HTTP/1.1 403.1 no\r\nA-1: b\r\ncontent-length:  12 \r\n\r\n", head{403, 12, 51}, true, true},
		{"HTTP/1.1 200 OK\r\nA: b\r\n", head{200, -1, 0}, false, true},
		{"HTTP/1.1 2", head{0, -1, 0}, false, true},
		{"HTTP/1.1 20\r\n\r\n", head{}, false, false},
		{"HTTP/0.9 200\r\n\r\n", head{}, false, false},
		{"HTTP/1 200\r\n\r\n", head{}, false, false},
		{"HTTP/1.1 200x\r\n\r\n", head{}, false, false},
		{"ICY 200 OK\r\n\r\n", head{}, false, false},
		{"HTTP/1.1 200 OK\r\na_b: c\r\n\r\n", head{}, false, false},
		{"HTTP/1.1 200 OK\r\n: c\r\n\r\n", head{}, false, false},
		{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", head{}, false, false},
	}
	for _, tt := range tests {
		got, complete, err := parseHead([]byte(tt.text))
		if (err == nil) != tt.valid || tt.valid && (complete != tt.complete || got != tt.want) {
			t.Errorf("%q: got %+v %v %v, want %+v %v", tt.text, got, complete, err, tt.want, tt.complete)
		}
	}
}

// FuzzParseHead checks that a header ends within the data, and that more data does not change a
// complete one.
func FuzzParseHead(f *testing.F) {
	f.Add([]byte(okHead + "\r\nbody"))
	f.Add([]byte("HTTP/1.1 200\nContent-Length: 3\n\nabc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, complete, err := parseHead(data)
		if err != nil || !complete {
			return
		}
		if h.size <= 0 || h.size > len(data) || h.code < 0 || h.code > 999 || h.length < -1 {
			t.Fatalf("got %+v for %d bytes", h, len(data))
		}
		if again, complete, err := parseHead(append(data[:h.size:h.size], "more"...)); again != h || !complete || err != nil {
			t.Errorf("got %+v with more data, want %+v", again, h)
		}
	})
}

// TestKey checks that certificates have different keys if their issuers or serial numbers differ.
func TestKey(t *testing.T) {
	ca, other := issue(t, nil, "ca", nil), issue(t, nil, "ca", nil)
	serial := func(n string) *x509.Certificate {
		number, _ := new(big.Int).SetString(n, 10)
		return &x509.Certificate{SerialNumber: number}
	}
	seen := map[Key]bool{}
	for _, q := range []*Question{
		{Certificate: serial("1"), Issuer: ca.Certificate}, {Certificate: serial("2"), Issuer: ca.Certificate},
		{Certificate: serial("1"), Issuer: other.Certificate},
	} {
		key, err := q.Key()
		if err != nil || seen[key] {
			t.Errorf("got %x, %v, want another key", key, err)
		}
		seen[key] = true
	}
	long := &Question{Certificate: serial(strings.Repeat("9", 60)), Issuer: ca.Certificate}
	if _, err := long.Key(); err == nil {
		t.Error("a long serial number has a key")
	}
}
