package stream_test

import (
	"crypto/tls"
	"crypto/x509"
	"syscall"
	"testing"
	"time"

	"weir/stream"
	"weir/stream/offline"
)

// A statusLookup is a lookup that only the test answers.
type statusLookup struct{}

func (statusLookup) Begin(func()) (stop func()) { return func() {} }

// askingSession returns a session that waits for the status of its client's certificate, which will be
// result. The handshake has taken 20 of 60 seconds.
func askingSession(t *testing.T, result *stream.VerifyError) (*offline.Session, stream.Step) {
	t.Helper()
	l, _ := tlsListener(t)
	l.Default.TLS.Config.ClientAuth = tls.RequestClientCert
	l.Default.TLS.Verify = func(c tls.ConnectionState) ([]*x509.Certificate, *stream.VerifyError) { return c.PeerCertificates, nil }
	l.Default.TLS.Status = func(_ *stream.Session, chain []*x509.Certificate) (*stream.StatusQuery, *stream.VerifyError) {
		if len(chain) != 1 {
			t.Errorf("got a chain of %d certificates, want 1", len(chain))
		}
		return &stream.StatusQuery{Lookup: statusLookup{}, Result: func(*stream.Session) *stream.VerifyError { return result }}, nil
	}
	s, step := connected(t, l)
	s.Clock.Advance(20 * time.Second)
	step = shakeHands(t, s, step, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{certificate(t, "client")}})
	return s, step
}

// TestClientStatus checks how a session continues while and after the status of a client's certificate
// is asked for.
func TestClientStatus(t *testing.T) {
	revoked := &stream.VerifyError{Text: "certificate revoked"}
	tests := []struct {
		name   string
		event  stream.Event
		result *stream.VerifyError
		want   stream.StepKind
		status stream.Status
	}{
		{"good", stream.Event{Kind: stream.Resolved}, nil, stream.Send, stream.StatusOK},
		{"revoked", stream.Event{Kind: stream.Resolved}, revoked, stream.Send, stream.StatusOK}, // the handler of the phase decides
		{"no answer in time", stream.Event{Kind: stream.TimedOut}, nil, stream.Finish, stream.StatusInternal},
		{"the end of the client's input", stream.Event{Kind: stream.EOF}, nil, stream.Keep, 0},
		{"data of the client", stream.Event{Kind: stream.Bytes}, nil, stream.Keep, 0},
		{"the client is gone", stream.Event{Kind: stream.Failed, Op: stream.OpRecv, Err: syscall.ECONNRESET}, nil, stream.Finish, stream.StatusInternal},
		{"abort", stream.Event{Kind: stream.Aborted}, nil, stream.Finish, stream.StatusOK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, step := askingSession(t, tt.result)
			if left := step.Deadline.Sub(s.Clock.Now()); step.Do != stream.Resolve || step.Lookup == nil || left != 40*time.Second {
				t.Fatalf("got step %d with a deadline in %v, want to wait for 40 s", step.Do, left)
			}
			if step = s.Advance(tt.event); step.Do != tt.want {
				t.Errorf("got step %d, want %d", step.Do, tt.want)
			}
			if step.Do == stream.Keep {
				step = s.Advance(stream.Event{Kind: stream.Resolved})
			}
			finish(t, s, step)
			if tt.status != 0 && s.Status != tt.status || s.TLS.VerifyError != tt.result {
				t.Errorf("got status %d and %v, want %d and %v", s.Status, s.TLS.VerifyError, tt.status, tt.result)
			}
		})
	}
}

// TestClientStatusNotAsked checks that the status is asked for only if a client has a certificate that is
// trusted, and that a known status is used at once.
func TestClientStatusNotAsked(t *testing.T) {
	untrusted := &stream.VerifyError{Code: 18, Text: "self-signed certificate"}
	revoked := &stream.VerifyError{Text: "certificate revoked"}
	tests := []struct {
		name  string
		chain []*x509.Certificate
		err   *stream.VerifyError
		asked bool
		want  *stream.VerifyError
	}{
		{"no certificate", nil, nil, false, nil},
		{"not trusted", []*x509.Certificate{{}}, untrusted, false, untrusted},
		{"known", []*x509.Certificate{{}}, nil, true, revoked},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, _ := tlsListener(t)
			asked := false
			l.Default.TLS.Verify = func(tls.ConnectionState) ([]*x509.Certificate, *stream.VerifyError) { return tt.chain, tt.err }
			l.Default.TLS.Status = func(*stream.Session, []*x509.Certificate) (*stream.StatusQuery, *stream.VerifyError) {
				asked = true
				return nil, revoked
			}
			s, step := connected(t, l)
			finish(t, s, shakeHands(t, s, step, &tls.Config{InsecureSkipVerify: true}))
			if asked != tt.asked || s.TLS.VerifyError != tt.want {
				t.Errorf("asked: %v, got %v, want %v and %v", asked, s.TLS.VerifyError, tt.asked, tt.want)
			}
		})
	}
}
