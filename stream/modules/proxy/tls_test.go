package proxy_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/certverify"
	"weir/internal/testcert"
	"weir/internal/tlsconf"
	"weir/stream"
	"weir/stream/modules/proxy"
	"weir/stream/offline"
)

// withTLS returns a proxy with TLS to a group.
func withTLS(t *testing.T, servers int) *proxy.Content {
	t.Helper()
	client, _, err := tlsconf.NewClient(tlsconf.Settings{Protocols: tlsconf.DefaultProtocols, Ciphers: "DEFAULT"})
	if err != nil {
		t.Fatal(err)
	}
	c := content(group(servers))
	c.TLS = &proxy.TLS{Client: client}
	return c
}

const shaking = "SSL handshaking to upstream"

func TestHandshake(t *testing.T) {
	const (
		connected = "connected 127.0.0.1:5000 -> "
		shake     = `shake upstream out="abcd" within=1m0s`
		header    = `PROXY TCP4 192.0.2.1 192.0.2.100 1000 1883\r\n`
	)
	reset := func(i int) string {
		return "[error] *1 peer closed connection in SSL handshake (104: Connection reset by peer)" + at(shaking, i, 0)
	}
	tests := []struct {
		name   string
		change func(*proxy.Content)
		script string // after the bytes
		status stream.Status
		log    []string
	}{
		{"done", nil, `connect 127.0.0.1:7001 within=1m0s
			` + connected + shake + `
			handshakedone -> relay
			relayed client-EOF -> finish`, 200, []string{
			"[info] *1 proxy 127.0.0.1:5000 connected to 127.0.0.1:7001",
			"[info] *1 client disconnected, bytes from/to client:4/0, bytes from/to upstream:0/0",
		}},
		{"PROXY header first", func(c *proxy.Content) { c.Protocol = proxy.V1 }, `connect 127.0.0.1:7001 out="` + header + `" within=1m0s
			` + connected + shake + `
			handshakedone -> relay`, 0, []string{"[info] *1 proxy 127.0.0.1:5000 connected to 127.0.0.1:7001"}},
		{"the second server", nil, `connect 127.0.0.1:7001 within=1m0s
			` + connected + shake + `
			failed upstream SSL_do_handshake ECONNRESET -> connect 127.0.0.1:7002 within=1m0s
			` + connected + shake + `
			handshakedone -> relay`, 0, []string{reset(1), "[info] *1 proxy 127.0.0.1:5000 connected to 127.0.0.1:7002"}},
		{"no server", nil, `connect 127.0.0.1:7001 within=1m0s
			` + connected + shake + `
			failed upstream SSL_do_handshake ECONNRESET -> connect 127.0.0.1:7002 within=1m0s
			failed upstream connect ECONNREFUSED -> finish reset`, 502, []string{
			reset(1), "[error] *1 connect() failed (111: Connection refused)" + at(connecting, 2, 0),
		}},
		{"connect timeout begins again", nil, `connect 127.0.0.1:7001 within=1m0s
			after 30s -> keep
			` + connected + shake + `
			timedout -> connect 127.0.0.1:7002 within=1m0s`, 0, []string{
			"[error] *1 upstream timed out (110: Connection timed out)" + at(shaking, 1, 0),
		}},
		{"aborted", nil, `connect 127.0.0.1:7001 within=1m0s
			` + connected + shake + `
			aborted -> finish reset`, 200, []string{"[info] *1 shutdown timeout" + at(shaking, 1, 0)}},
		{"header not sent", func(c *proxy.Content) { c.Protocol = proxy.V1 }, `connect 127.0.0.1:7001 out="` + header + `" within=1m0s
			` + connected + shake + `
			failed upstream SSL_do_handshake UNSENT -> finish reset`, 500, []string{
			"[error] *1 could not send PROXY protocol header at once" + at(connecting, 1, 0),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := withTLS(t, 2)
			if tt.change != nil {
				tt.change(c)
			}
			s := session(t, c)
			offline.Script(t, s, started+tt.script)
			checkStatus(t, s, tt.status)
			checkLog(t, s, tt.log)
			if tt.status != 0 {
				checkIdle(t, c.To.Group)
			}
		})
	}
}

// TestHeaderRefused checks a server that resets the connection at the PROXY header.
func TestHeaderRefused(t *testing.T) {
	c := withTLS(t, 2)
	s := session(t, c)
	offline.Script(t, s, started+`connect 127.0.0.1:7001 within=1m0s
		connected 127.0.0.1:5000 -> shake upstream out="abcd" within=1m0s`)
	err := errors.Join(stream.ErrUnsent, stream.ErrTimedOut)
	s.Advance(stream.Event{Kind: stream.Failed, Side: stream.UpstreamSide, Op: stream.OpHandshake, Err: err})
	checkStatus(t, s, stream.StatusOK)
	checkLog(t, s, []string{"[error] *1 send() failed (110: Connection timed out)" + at(connecting, 1, 0)})
}

// TestFailedHandshakesCount checks that the bytes sent to a server are those of its own try.
func TestFailedHandshakesCount(t *testing.T) {
	c := withTLS(t, 2)
	s := session(t, c)
	offline.Script(t, s, started+`connect 127.0.0.1:7001 within=1m0s`)
	s.Traffic.ToUpstream.Store(40)
	offline.Script(t, s, `connected 127.0.0.1:5000 -> shake upstream out="abcd" within=1m0s
		failed upstream SSL_do_handshake ECONNRESET -> connect 127.0.0.1:7002 within=1m0s`)
	if got := s.Traffic.ToUpstream.Load(); s.Tries[0].Sent != 40 || got != 0 || s.Tries[0].Connect >= 0 {
		t.Errorf("got %+v and %d bytes", s.Tries[0], got)
	}
}

func TestVerify(t *testing.T) {
	good, other := testcert.SelfSigned(t, "brokers").Certificate, testcert.SelfSigned(t, "other").Certificate
	for _, tt := range []struct {
		name      string
		presented []*x509.Certificate
		want      string
	}{
		{"trusted", []*x509.Certificate{good}, ""},
		{"wrong name", []*x509.Certificate{other}, `upstream SSL certificate does not match "brokers"`},
		{"not trusted", []*x509.Certificate{testcert.SelfSigned(t, "brokers").Certificate}, "upstream SSL certificate verify error: (18:self-signed certificate)"},
		{"no certificate", nil, `upstream SSL certificate does not match "brokers"`},
	} {
		for _, resumed := range []bool{false, true} {
			c := withTLS(t, 2)
			store := certverify.NewStore([]*x509.Certificate{good, other}, nil)
			c.TLS.Verifier = &tlsconf.Verifier{Store: store, Usage: certverify.ForServers, Depth: 1}
			s := session(t, c)
			s.UpstreamTLS = tls.ConnectionState{PeerCertificates: tt.presented, DidResume: resumed}
			next := "relay"
			want := []string{"[info] *1 proxy 127.0.0.1:5000 connected to 127.0.0.1:7001"}
			if tt.want != "" {
				next, want = "connect 127.0.0.1:7002 within=1m0s", []string{"[error] *1 " + tt.want + at(shaking, 1, 0)}
			}
			offline.Script(t, s, started+`connect 127.0.0.1:7001 within=1m0s
				connected 127.0.0.1:5000 -> shake upstream out="abcd" within=1m0s
				handshakedone -> `+next)
			checkLog(t, s, want)
		}
	}
}

// handshakeOf returns the configuration of the handshake of a session, or nil if it has ended.
func handshakeOf(t *testing.T, s *offline.Session) *tls.Config {
	t.Helper()
	offline.Script(t, s, started+`connect 127.0.0.1:7001 within=1m0s`)
	step := s.Advance(stream.Event{Kind: stream.Connected})
	if step.Prepare == nil {
		return step.TLS
	}
	config, err := step.Prepare()
	if err != nil {
		s.Advance(stream.Event{Kind: stream.Failed, Side: stream.UpstreamSide, Op: stream.OpHandshake, Err: err})
	}
	return config
}

func TestServerName(t *testing.T) {
	for _, tt := range []struct{ group, name, sent, checked string }{
		{"brokers", "", "brokers", "brokers"},
		{"broker.example:8883", "", "broker.example", "broker.example"},
		{"127.0.0.1:8883", "", "", "127.0.0.1"},
		{"[::1]:8883", "", "", "[::1]"},
		{"unix:/run/broker:a", "", "/run/broker", "/run/broker"},
		{"brokers", "a.example", "a.example", "a.example"},
		{"brokers", "a.example:1", "a.example", "a.example"},
		{"brokers", "[::1", "", "[:"},
		{"brokers", "::1", "", ""},
		{"brokers", "a\x00b", "a", "a\x00b"},
	} {
		config := stream.NewConfig()
		c := withTLS(t, 1)
		c.To.Group.Name = tt.group
		c.TLS.SendName = true
		if tt.name != "" {
			c.TLS.Name = template(t, config, "$name")
		}
		s := newSession(t, c, config, named("name", tt.name))
		if got := handshakeOf(t, s).ServerName; got != tt.sent {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}

func TestLongServerName(t *testing.T) {
	config := stream.NewConfig()
	c := withTLS(t, 1)
	c.TLS.SendName, c.TLS.Name = true, template(t, config, "$name")
	long := strings.Repeat("a", 256)
	s := newSession(t, c, config, named("name", long))
	if handshakeOf(t, s) != nil {
		t.Error("a handshake begins")
	}
	checkStatus(t, s, stream.StatusInternal)
	checkLog(t, s, []string{
		`[error] *1 SSL_set_tlsext_host_name("` + long + `") failed (SSL: error:0A00013F:SSL routines::ssl3 ext invalid servername)` + at(connecting, 1, 0),
	})
}

func TestALPN(t *testing.T) {
	config := stream.NewConfig()
	c := withTLS(t, 1)
	for _, text := range []string{"mqtt", "$empty", "$long", "$other"} {
		c.TLS.ALPN = append(c.TLS.ALPN, *template(t, config, text))
	}
	s := newSession(t, c, config, named("empty", ""), named("long", strings.Repeat("a", 256)), named("other", "b"))
	if got := handshakeOf(t, s).NextProtos; !slices.Equal(got, []string{"mqtt", "b"}) {
		t.Errorf("got %q", got)
	}
}

func TestCertificateOfSession(t *testing.T) {
	loaded := testcert.SelfSigned(t, "client").Certificate
	for _, tt := range []struct {
		file   string
		err    error
		status stream.Status
		log    []string
	}{
		{"a.crt", nil, 0, []string{}},
		{"", nil, 0, []string{}},
		{"b.crt", errors.New("no such file"), 500, []string{"[error] *1 no such file" + at(connecting, 1, 0)}},
	} {
		config := stream.NewConfig()
		c := withTLS(t, 1)
		asked := ""
		c.TLS.Certificate = &proxy.Certificate{
			File: *template(t, config, "$file"), Key: *template(t, config, "key of $file"),
			Load: func(file, key string, _ time.Time) (tls.Certificate, error) {
				asked = file + ", " + key
				return tls.Certificate{Certificate: [][]byte{loaded.Raw}}, tt.err
			},
		}
		s := newSession(t, c, config, named("file", tt.file))
		made := handshakeOf(t, s)
		if tt.status == 0 && (made.GetClientCertificate != nil) != (tt.file != "") {
			t.Errorf("%q: a certificate is presented: %v", tt.file, made.GetClientCertificate != nil)
		}
		if want := tt.file + ", key of " + tt.file; tt.file != "" && asked != want {
			t.Errorf("%q: got %q", tt.file, asked)
		}
		checkStatus(t, s, tt.status)
		checkLog(t, s, tt.log)
	}
}

// TestReuse checks that the sessions of a server are kept for it and not for others.
func TestReuse(t *testing.T) {
	for _, reuse := range []bool{false, true} {
		c := withTLS(t, 1)
		c.TLS.Reuse = reuse
		first := handshakeOf(t, session(t, c)).ClientSessionCache
		if (first != nil) != reuse {
			t.Errorf("reuse %v: got %v", reuse, first)
		}
		if !reuse {
			continue
		}
		kept := &tls.ClientSessionState{}
		first.Put("any", kept)
		if got, _ := handshakeOf(t, session(t, c)).ClientSessionCache.Get("other"); got != kept {
			t.Error("the session is not kept")
		}
		c.TLS.SendName = true
		if got, _ := handshakeOf(t, session(t, c)).ClientSessionCache.Get("any"); got != nil {
			t.Error("the session is resumed with another name")
		}
		other := withTLS(t, 1)
		other.TLS.Reuse = true
		if got, _ := handshakeOf(t, session(t, other)).ClientSessionCache.Get("any"); got != nil {
			t.Error("the session is resumed with another server")
		}
	}
}

// TestDatagramsHaveNoTLS checks that proxy_ssl does not apply to datagrams.
func TestDatagramsHaveNoTLS(t *testing.T) {
	c := withTLS(t, 1)
	s := datagramSession(t, c)
	offline.Script(t, s, `accepted "abcd" -> connect 127.0.0.1:7001 out="abcd" within=1m0s
		connected 127.0.0.1:5000 -> relay`)
}
