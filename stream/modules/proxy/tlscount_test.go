package proxy_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"testing"

	"weir/internal/certverify"
	"weir/internal/testcert"
	"weir/internal/tlsconf"
	"weir/stream"
	"weir/stream/status"
)

// TestHandshakeCounters checks what a peer and the process count for each end of a handshake.
func TestHandshakeCounters(t *testing.T) {
	good := testcert.SelfSigned(t, "good").Certificate
	done := func(resumed bool, chain ...*x509.Certificate) stream.Event {
		return stream.Event{Kind: stream.HandshakeDone, TLS: &tls.ConnectionState{DidResume: resumed, PeerCertificates: chain}}
	}
	failed := func(err error) stream.Event {
		return stream.Event{Kind: stream.Failed, Side: stream.UpstreamSide, Op: stream.OpHandshake, Err: err}
	}
	alert := &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}
	tests := []struct {
		name string
		ev   stream.Event
		want status.TLSSnapshot
	}{
		{"done", done(false, good), status.TLSSnapshot{Handshakes: 1}},
		{"resumed", done(true, good), status.TLSSnapshot{Handshakes: 1, SessionReuses: 1}},
		{"timeout", stream.Event{Kind: stream.TimedOut}, status.TLSSnapshot{HandshakesFailed: 1, HandshakeTimeout: 1}},
		{"closed", failed(errors.New("EOF")), status.TLSSnapshot{HandshakesFailed: 1}},
		{"rejected", failed(alert), status.TLSSnapshot{HandshakesFailed: 1, PeerRejectedCert: 1}},
		{"another name", done(false, testcert.SelfSigned(t, "other").Certificate),
			status.TLSSnapshot{Handshakes: 1, VerifyFailures: status.VerifyFailures{HostnameMismatch: 1}}},
		{"not trusted", done(false, testcert.SelfSigned(t, "third").Certificate),
			status.TLSSnapshot{Handshakes: 1, VerifyFailures: status.VerifyFailures{Other: 1}}},
	}
	store := certverify.NewStore([]*x509.Certificate{good, tests[5].ev.TLS.PeerCertificates[0]}, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config := stream.NewConfig()
			c := withTLS(t, 2)
			c.To.Group = inZone(c.To.Group)
			c.To.Group.SetOverTLS()
			c.TLS.Name = template(t, config, "good")
			c.TLS.Verifier = &tlsconf.Verifier{Store: store, Usage: certverify.ForServers, Depth: 1}
			s := newSession(t, c, config)
			process := status.NewProcess()
			s.Env.Status = process
			handshakeOf(t, s)
			s.Advance(tt.ev)
			if got := *c.To.Group.Snapshot().Peers[0].TLS; got != tt.want {
				t.Errorf("the peer counts %+v, want %+v", got, tt.want)
			}
			if got := process.TLS.Snapshot(); got != tt.want {
				t.Errorf("the process counts %+v, want %+v", got, tt.want)
			}
		})
	}
	if got := inZone(group(1)).Snapshot().Peers[0].TLS; got != nil {
		t.Errorf("got %+v for a group without TLS", got)
	}
}
