package web

import (
	"crypto/tls"
	"time"

	"weir/internal/certverify"
	"weir/internal/proxyproto"
	"weir/internal/tlsconf"
	"weir/stream"
)

// A Conn is the connection of a request.
type Conn struct {
	ID     uint64
	Client stream.Addr // the address of the client
	Local  stream.Addr
	Proxy  *proxyproto.Header // of the PROXY header, or nil
	// Requests counts the requests of the connection.
	Requests int64
	// ReadWithin limits the time of the next read; 0 is no limit.
	ReadWithin func(time.Duration)
	// WriteWithin limits the time of each write.
	WriteWithin func(time.Duration)
	// IdleFor sets how long the connection waits for the next request.
	IdleFor func(time.Duration)
	// TLS is the state of the connection if it has TLS.
	TLS *tls.ConnectionState
	// Offer contains the lists of the ClientHello; empty on a plain connection.
	Offer stream.TLSOffer

	zone       string            // of the server for the handshake; empty without one
	verifiedBy *tlsconf.Verifier // nil before the client's certificate is verified
	verified   certverify.Code   // the result of verifiedBy
}

// verify returns the result of v for the client's certificate; Unspecified without a verifier. As in nginx, requests of
// a connection after the first one have the same result, also if the certificate has expired in the meantime.
func (c *Conn) verify(v *tlsconf.Verifier) certverify.Code {
	if v == nil {
		return certverify.Unspecified
	}
	if c.verifiedBy != v {
		c.verifiedBy, c.verified = v, v.Verify(c.TLS.PeerCertificates)
	}
	return c.verified
}
