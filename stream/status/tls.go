package status

import (
	"sync/atomic"

	"weir/internal/certverify"
	"weir/internal/tlserror"
)

// TLS counts handshakes: those of a server zone with its clients, of a peer with its server, or all
// of the process. The zero TLS is ready to use. A nil *TLS counts nothing. A handshake costs far more
// than a shared cache line, so that there are no shards.
type TLS struct {
	handshakes, reuses, failed         atomic.Int64
	noProtocol, noCipher               atomic.Int64
	timeouts, rejected                 atomic.Int64
	noCert, expired, revoked, hostname atomic.Int64
	unverified                         atomic.Int64 // for any other reason
}

// Done counts a successful handshake.
func (t *TLS) Done(resumed bool) {
	if t == nil {
		return
	}
	t.handshakes.Add(1)
	if resumed {
		t.reuses.Add(1)
	}
}

// TimedOut counts a handshake that took too long.
func (t *TLS) TimedOut() {
	if t == nil {
		return
	}
	t.failed.Add(1)
	t.timeouts.Add(1)
}

// Failed counts a handshake that failed with an error of crypto/tls or of the connection.
func (t *TLS) Failed(err error) {
	if t == nil {
		return
	}
	t.failed.Add(1)
	switch tlserror.CauseOf(err) {
	case tlserror.NoCommonProtocol:
		t.noProtocol.Add(1)
	case tlserror.NoCommonCipher:
		t.noCipher.Add(1)
	case tlserror.RejectedCertificate:
		t.rejected.Add(1)
	}
}

// NoCertificate counts a client without the certificate that it must have.
func (t *TLS) NoCertificate() {
	if t != nil {
		t.noCert.Add(1)
	}
}

// WrongHost counts a server whose certificate is for another name.
func (t *TLS) WrongHost() {
	if t != nil {
		t.hostname.Add(1)
	}
}

// Unverified counts a certificate that is not trusted. OK counts nothing.
func (t *TLS) Unverified(code certverify.Code) {
	if t == nil {
		return
	}
	switch code {
	case certverify.OK:
	case certverify.Expired:
		t.expired.Add(1)
	case certverify.Revoked:
		t.revoked.Add(1)
	default:
		t.unverified.Add(1)
	}
}

// A TLSSnapshot is TLS at one time.
type TLSSnapshot struct {
	Handshakes, SessionReuses, HandshakesFailed int64
	NoCommonProtocol, NoCommonCipher            int64
	HandshakeTimeout, PeerRejectedCert          int64
	VerifyFailures                              VerifyFailures
}

// VerifyFailures are the certificates that were not accepted, by reason.
type VerifyFailures struct{ NoCert, ExpiredCert, RevokedCert, HostnameMismatch, Other int64 }

// Snapshot returns the current numbers.
func (t *TLS) Snapshot() TLSSnapshot {
	return TLSSnapshot{
		Handshakes: t.handshakes.Load(), SessionReuses: t.reuses.Load(), HandshakesFailed: t.failed.Load(),
		NoCommonProtocol: t.noProtocol.Load(), NoCommonCipher: t.noCipher.Load(),
		HandshakeTimeout: t.timeouts.Load(), PeerRejectedCert: t.rejected.Load(),
		VerifyFailures: VerifyFailures{
			NoCert: t.noCert.Load(), ExpiredCert: t.expired.Load(), RevokedCert: t.revoked.Load(),
			HostnameMismatch: t.hostname.Load(), Other: t.unverified.Load(),
		},
	}
}

// Reset sets all counters to 0.
func (t *TLS) Reset() {
	for _, c := range [...]*atomic.Int64{
		&t.handshakes, &t.reuses, &t.failed, &t.noProtocol, &t.noCipher, &t.timeouts, &t.rejected,
		&t.noCert, &t.expired, &t.revoked, &t.hostname, &t.unverified,
	} {
		c.Store(0)
	}
}
