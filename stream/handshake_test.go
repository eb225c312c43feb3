package stream_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"weir/internal/testcert"
	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/offline"
)

// certificate returns a new certificate for that name.
func certificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	return testcert.SelfSigned(t, name).TLS()
}

// handshakeTimeout is the ssl_handshake_timeout of the tests.
const handshakeTimeout = 60 * time.Second

// tlsListener returns an address with TLS and two servers: a default server with a certificate for
// "default", and the server of the name "other".
func tlsListener(t *testing.T) (l *stream.Listen, other *stream.Server) {
	t.Helper()
	l = listener()
	l.Config, l.TLS, l.Names = stream.NewConfig(), true, &stream.ServerNames{}
	l.Config.Vars.Resolve()
	config := &tls.Config{Certificates: []tls.Certificate{certificate(t, "default")}}
	l.Default.TLS = stream.NewServerTLS(config, handshakeTimeout)
	other = listener().Default
	other.TLS = stream.NewServerTLS(nil, time.Hour)
	if err := l.Names.Add("other", other); err != nil {
		t.Fatal(err)
	}
	return l, other
}

// connected returns the session of a client of l whose next step is the handshake. All servers log to
// its lines.
func connected(t *testing.T, l *stream.Listen, others ...*stream.Server) (*offline.Session, stream.Step) {
	t.Helper()
	l.Default.Settings.ErrorLog = nil
	s := offline.NewSession(t, l)
	for _, other := range others {
		other.Settings.ErrorLog = s.Env.Log
	}
	step := s.Advance(stream.Event{Kind: stream.Accepted})
	if step.Do != stream.HandshakeClient {
		t.Fatalf("got step %d, want a handshake", step.Do)
	}
	return s, step
}

// connection returns the two ends of a connection.
func connection(t *testing.T) (server, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return server, client
}

// shakeHands performs the step of s with that client, as a driver does, and returns the next step.
func shakeHands(t *testing.T, s *offline.Session, step stream.Step, client *tls.Config) stream.Step {
	t.Helper()
	near, far := connection(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer far.Close()
		c := tls.Client(far, client)
		if c.Handshake() == nil {
			io.Copy(io.Discard, c)
		}
	}()
	defer func() { <-ended }()
	defer near.Close()
	server := tls.Server(near, step.TLS)
	if err := server.HandshakeContext(stream.WithSession(t.Context(), s.Session)); err != nil {
		return s.Advance(stream.Event{Kind: stream.Failed, Side: stream.ClientSide, Op: stream.OpHandshake, Err: err})
	}
	state := server.ConnectionState()
	return s.Advance(stream.Event{Kind: stream.HandshakeDone, Side: stream.ClientSide, TLS: &state})
}

// finish plays the end of a session whose content has begun.
func finish(t *testing.T, s *offline.Session, step stream.Step) {
	t.Helper()
	if step.Do == stream.Send {
		step = s.Advance(stream.Event{Kind: stream.Relayed})
	}
	if step.Do != stream.Finish {
		t.Fatalf("got step %d, want the end", step.Do)
	}
}

// TestHandshakePhase checks the place of the handshake between the phases.
func TestHandshakePhase(t *testing.T) {
	l, _ := tlsListener(t)
	var ran []string
	for phase, name := range []string{"postaccept", "preaccess", "access", "ssl", "preread"} {
		l.Default.Handlers[phase] = []stream.Handler{handler(func(s *stream.Session) (stream.Verdict, error) {
			ran = append(ran, fmt.Sprintf("%s %v", name, s.TLS != nil && s.TLS.Version != 0))
			return stream.Next, nil
		})}
	}
	s, step := connected(t, l)
	if got := step.Deadline.Sub(s.Clock.Now()); got != handshakeTimeout || step.TLS != l.Default.TLS.Config {
		t.Errorf("got timeout %v and %p, want %v and the configuration of the default server", got, step.TLS, handshakeTimeout)
	}
	finish(t, s, shakeHands(t, s, step, &tls.Config{InsecureSkipVerify: true}))
	want := []string{"postaccept false", "preaccess false", "access false", "ssl true", "preread true"}
	if !slices.Equal(ran, want) || s.Status != stream.StatusOK {
		t.Errorf("got %q and status %d, want %q and 200", ran, s.Status, want)
	}
	checkLog(t, s)
}

// TestHandshakeState checks the fields of TLSState after a handshake.
func TestHandshakeState(t *testing.T) {
	l, _ := tlsListener(t)
	l.Default.TLS.Config.NextProtos = []string{"mqtt"}
	l.Default.TLS.Config.ClientAuth = tls.RequestClientCert
	l.Default.TLS.Config.MaxVersion = tls.VersionTLS12
	l.Default.TLS.Config.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}
	l.Default.TLS.Config.CurvePreferences = []tls.CurveID{tls.CurveP384}
	untrusted := &stream.VerifyError{Code: 18, Text: "self-signed certificate"}
	l.Default.TLS.Verify = func(c tls.ConnectionState) ([]*x509.Certificate, *stream.VerifyError) {
		if len(c.PeerCertificates) == 1 {
			return c.PeerCertificates, untrusted
		}
		return nil, nil
	}
	own := certificate(t, "client")
	client := &tls.Config{
		InsecureSkipVerify: true, ServerName: "name.example", NextProtos: []string{"http", "mqtt"}, Certificates: []tls.Certificate{own},
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}
	want := stream.TLSState{
		Version: tls.VersionTLS12, CipherSuite: tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, Curve: tls.CurveP384,
		ServerName: "name.example", ALPN: "mqtt", Certificate: own.Certificate[0], VerifyError: untrusted,
		Own: l.Default.TLS.Config.Certificates[0].Leaf,
	}
	for _, resumed := range []bool{false, true} {
		want.Resumed = resumed
		s, step := connected(t, l)
		finish(t, s, shakeHands(t, s, step, client))
		if s.TLS == nil || !reflect.DeepEqual(*s.TLS, want) {
			t.Errorf("got\n%+v, want\n%+v", s.TLS, want)
		}
	}
}

// TestHandshakeOffer checks that the lists of the client are kept if the server wants them.
func TestHandshakeOffer(t *testing.T) {
	l, other := tlsListener(t)
	other.TLS.KeepOffer = true
	client := &tls.Config{InsecureSkipVerify: true, ServerName: "other", CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}}
	s, step := connected(t, l, other)
	finish(t, s, shakeHands(t, s, step, client))
	if o := s.TLS.Offer; o == nil || !slices.Equal(o.Curves, client.CurvePreferences) || !slices.Contains(o.CipherSuites, tls.TLS_AES_128_GCM_SHA256) ||
		!slices.Contains(o.SignatureSchemes, tls.ECDSAWithP256AndSHA256) {
		t.Errorf("got %+v", o)
	}
	client.ServerName = "default"
	s, step = connected(t, l, other)
	finish(t, s, shakeHands(t, s, step, client))
	if s.TLS.Offer != nil {
		t.Errorf("got %+v, want no lists", s.TLS.Offer)
	}
}

// TestHandshakeName checks which server and which certificate the requested name selects.
func TestHandshakeName(t *testing.T) {
	tests := []struct {
		name        string // as requested
		own         bool   // the other server has a certificate
		selected    bool   // the other server is selected
		certificate string
	}{
		{"other", true, true, "other"},
		{"OTHER", true, true, "other"},
		{"other", false, true, "default"},
		{"unknown", true, false, "default"},
		{"", true, false, "default"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %v", tt.name, tt.own), func(t *testing.T) {
			l, other := tlsListener(t)
			if tt.own {
				other.TLS = stream.NewServerTLS(&tls.Config{Certificates: []tls.Certificate{certificate(t, "other")}}, 0)
			}
			l.Default.Handlers[stream.SSL] = []stream.Handler{wanting(0, stream.Next)}
			other.Handlers[stream.SSL] = []stream.Handler{wanting(0, stream.Verdict(stream.StatusForbidden))}
			s, step := connected(t, l, other)
			var seen []string
			finish(t, s, shakeHands(t, s, step, &tls.Config{
				InsecureSkipVerify: true, ServerName: tt.name,
				VerifyConnection: func(c tls.ConnectionState) error {
					seen = c.PeerCertificates[0].DNSNames
					return nil
				},
			}))
			if (s.Server == other) != tt.selected || (s.Status == stream.StatusForbidden) != tt.selected {
				t.Errorf("got the other server %v and status %d, want %v", s.Server == other, s.Status, tt.selected)
			}
			if !slices.Equal(seen, []string{tt.certificate}) || s.TLS.ServerName != tt.name {
				t.Errorf("got the certificate of %q and name %q, want %q and %q", seen, s.TLS.ServerName, tt.certificate, tt.name)
			}
		})
	}
}

// TestHandshakeThatReadsFiles checks that the driver knows which handshakes read files.
func TestHandshakeThatReadsFiles(t *testing.T) {
	l, other := tlsListener(t)
	for _, reads := range []bool{false, true} {
		l.ReadsFiles = reads
		s, step := connected(t, l, other)
		if step.Do != stream.HandshakeClient || step.Slow != reads {
			t.Errorf("got %v, slow: %v, want a handshake, slow: %v", step.Do, step.Slow, reads)
		}
		finish(t, s, s.Advance(stream.Event{Kind: stream.TimedOut}))
	}
}

// TestHandshakeVerifiesWithDefault checks that clients of a server without a certificate are verified
// as the handshake with the default server demands.
func TestHandshakeVerifiesWithDefault(t *testing.T) {
	l, other := tlsListener(t)
	l.Default.TLS.Config.ClientAuth = tls.RequestClientCert
	untrusted := &stream.VerifyError{Code: 18, Text: "self-signed certificate"}
	l.Default.TLS.Verify = func(tls.ConnectionState) ([]*x509.Certificate, *stream.VerifyError) { return nil, untrusted }
	s, step := connected(t, l, other)
	finish(t, s, shakeHands(t, s, step, &tls.Config{
		InsecureSkipVerify: true, ServerName: "other", Certificates: []tls.Certificate{certificate(t, "client")},
	}))
	if s.Server != other || s.TLS.VerifyError != untrusted {
		t.Errorf("got %v of the other server %v, want %v", s.TLS.VerifyError, s.Server == other, untrusted)
	}
}

// TestHandshakeRejected checks the alert for a name whose server rejects handshakes, and that an
// earlier TLS session does not help.
func TestHandshakeRejected(t *testing.T) {
	l, other := tlsListener(t)
	client := &tls.Config{InsecureSkipVerify: true, ServerName: "other", ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	s, step := connected(t, l, other)
	finish(t, s, shakeHands(t, s, step, client))
	other.TLS.Reject = true
	s, step = connected(t, l, other)
	finish(t, s, shakeHands(t, s, step, client))
	if s.Status != stream.StatusInternal || s.TLS.Version != 0 || s.TLS.ServerName != "" {
		t.Errorf("got status %d and %+v, want 500 and no handshake", s.Status, s.TLS)
	}
	checkLog(t, s, "[info] *1 handshake rejected while SSL handshaking"+context)
}

// TestHandshakeFails checks the status and the log of handshakes that fail.
func TestHandshakeFails(t *testing.T) {
	failed := func(err error) stream.Event {
		return stream.Event{Kind: stream.Failed, Side: stream.ClientSide, Op: stream.OpHandshake, Err: err}
	}
	const closed = "peer closed connection in SSL handshake"
	tests := []struct {
		name   string
		event  stream.Event
		status stream.Status
		log    string // without the context; empty means none
	}{
		{"timeout", stream.Event{Kind: stream.TimedOut}, 500, ""},
		{"shutdown", stream.Event{Kind: stream.Aborted}, 200, "[info] *1 shutdown timeout"},
		{"end", failed(io.EOF), 500, "[info] *1 " + closed},
		{"early end", failed(fmt.Errorf("read: %w", io.ErrUnexpectedEOF)), 500, "[info] *1 " + closed},
		{"reset", failed(syscall.ECONNRESET), 500, "[info] *1 " + closed + " (104: Connection reset by peer)"},
		{"alert", failed(&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}), 500,
			"[info] *1 SSL_do_handshake() failed (SSL: error:0A000412:SSL routines::sslv3 alert bad certificate:SSL alert number 42)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, _ := tlsListener(t)
			s, _ := connected(t, l)
			finish(t, s, s.Advance(tt.event))
			if s.Status != tt.status {
				t.Errorf("got status %d, want %d", s.Status, tt.status)
			}
			if tt.log == "" {
				checkLog(t, s)
			} else {
				checkLog(t, s, tt.log+" while SSL handshaking"+context)
			}
		})
	}
}

// TestFailureAfterHandshake checks how failures of connections with TLS are logged.
func TestFailureAfterHandshake(t *testing.T) {
	damaged := &net.OpError{Op: "local error", Err: errors.New("tls: bad record MAC")}
	rejected := &net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}
	tests := []struct {
		name string
		side stream.Side
		op   stream.Op
		err  error
		log  string // without the context; empty means none
	}{
		{"damaged record", stream.ClientSide, stream.OpRecv, damaged,
			"[info] *1 SSL_read() failed (SSL: error:0A000119:SSL routines::decryption failed or bad record mac)"},
		{"alert of the server", stream.UpstreamSide, stream.OpRecv, rejected,
			"[error] *1 SSL_read() failed (SSL: error:0A00045C:SSL routines::tlsv13 alert certificate required:SSL alert number 116)"},
		{"reset", stream.ClientSide, stream.OpRecv, syscall.ECONNRESET, ""},
		{"reset of the server", stream.UpstreamSide, stream.OpRecv, syscall.ECONNRESET, ""},
		{"write", stream.ClientSide, stream.OpSend, syscall.EPIPE, "[info] *1 SSL_write() failed (32: Broken pipe)"},
		{"watch", stream.ClientSide, stream.OpWatch, syscall.ENOSPC, "[alert] *1 epoll_ctl() failed (28: No space left on device)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, _ := tlsListener(t)
			s, step := connected(t, l)
			step = shakeHands(t, s, step, &tls.Config{InsecureSkipVerify: true})
			s.SetUpstreamTLS()
			s.LogFailure(stream.Event{Kind: stream.Failed, Side: tt.side, Op: tt.op, Err: tt.err})
			finish(t, s, step)
			if tt.log == "" {
				checkLog(t, s)
			} else {
				checkLog(t, s, tt.log+context)
			}
		})
	}
}

// TestHandshakeAfterHeader checks that the bytes after a PROXY header begin the handshake, and that
// the phase preread reads decrypted bytes.
func TestHandshakeAfterHeader(t *testing.T) {
	l, _ := tlsListener(t)
	l.ProxyProtocol = true
	l.Default.Handlers[stream.Preread] = []stream.Handler{wanting(3, stream.Done)}
	s := offline.NewSession(t, l)
	s.Advance(stream.Event{Kind: stream.Accepted})
	step := s.Advance(stream.Event{Kind: stream.Bytes, Data: []byte("PROXY UNKNOWN\r\n\x16\x03\x01")})
	if step.Do != stream.HandshakeClient {
		t.Fatalf("got step %d, want a handshake", step.Do)
	}
	if got := s.TakeHead(); !bytes.Equal(got, []byte("\x16\x03\x01")) {
		t.Errorf("got %q as the start of the handshake", got)
	}
	if step = s.Advance(stream.Event{Kind: stream.HandshakeDone, TLS: &tls.ConnectionState{}}); step.Do != stream.Read {
		t.Fatalf("got step %d, want a read", step.Do)
	}
	if step = s.Advance(stream.Event{Kind: stream.Bytes, Data: []byte("abc")}); step.Do != stream.Send || string(step.Out) != "abc" {
		t.Errorf("got step %d with %q, want the content with abc", step.Do, step.Out)
	}
}

// TestHandshakeOfInnerAddress checks that the accepted address decides whether there is a handshake.
func TestHandshakeOfInnerAddress(t *testing.T) {
	outer := listener()
	inner, _ := tlsListener(t)
	outer.Config = inner.Config
	outer.Inner = map[netip.Addr]*stream.Listen{netip.MustParseAddr("192.0.2.100"): inner}
	s := offline.NewSession(t, outer)
	inner.Default.Settings.ErrorLog = s.Env.Log
	if step := s.Advance(stream.Event{Kind: stream.Accepted}); step.Do != stream.HandshakeClient {
		t.Errorf("got step %d, want a handshake", step.Do)
	}
}

// TestHandshakeOnce checks that a session that was passed to an address with TLS keeps its first
// handshake.
func TestHandshakeOnce(t *testing.T) {
	first, _ := tlsListener(t)
	second, _ := tlsListener(t)
	second.Config, second.Addr = first.Config, drivertest.Loopback(2)
	first.Default.Content = passingTo{second}
	s, step := connected(t, first, second.Default)
	step = shakeHands(t, s, step, &tls.Config{InsecureSkipVerify: true, ServerName: "default"})
	if step.Do != stream.Send || s.Listen != second || s.TLS == nil || s.TLS.ServerName != "default" {
		t.Errorf("got step %d at %v and %+v, want the content of the second address and the first handshake", step.Do, s.Listen.Addr, s.TLS)
	}
}

// TestTLSStateSize limits the memory of a TLSState, of which each session with TLS has one.
func TestTLSStateSize(t *testing.T) {
	const limit = 96
	if size := unsafe.Sizeof(stream.TLSState{}); size > limit {
		t.Errorf("a TLSState has %d bytes, want at most %d", size, limit)
	}
}
