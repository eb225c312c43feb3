package tlsconf

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"hash"
	"slices"
	"time"
)

// A Server has the settings of one server block for its clients.
type Server struct {
	Settings
	// Name identifies the server among those of a configuration. Sessions of one server are not
	// resumed in another.
	Name string
	// Choose loads the certificate of a handshake, and is called when it needs one; nil for those in
	// Certificates.
	Choose func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Staple returns the OCSP response to send with one of Certificates, or nil. It is called for each
	// handshake. nil sends those that the certificates have.
	Staple func(leaf *x509.Certificate) []byte
	// Verify is ssl_verify_client.
	Verify VerifyMode
	// Verifier verifies the certificates of clients; needed unless Verify is VerifyOff.
	Verifier *Verifier
	// ClientAuthorities are the certificates of ssl_client_certificate, whose names are sent to clients.
	ClientAuthorities []*x509.Certificate
	// Tickets are the keys of session tickets; nil if sessions are not resumed.
	Tickets TicketKeys
	// Timeout is ssl_session_timeout.
	Timeout time.Duration
}

// Config returns the configuration of crypto/tls and warnings about settings that it follows in part.
func (s Server) Config() (*tls.Config, []string, error) {
	c, p, err := s.config()
	if err != nil {
		return nil, nil, err
	}
	all := byPreference(s.Certificates)
	c.Certificates, c.GetCertificate = all, s.Choose
	if len(all) > 1 || len(all) > 0 && s.Staple != nil {
		c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return s.stapled(Supported(hello, all)), nil
		}
	}
	if s.Verify != VerifyOff {
		c.ClientAuth = tls.RequestClientCert
		c.ClientCAs = pool(s.ClientAuthorities)
	}
	if s.Tickets == nil || p.noTickets {
		c.SessionTicketsDisabled = true
		return c, p.warnings, nil
	}
	box := &ticketBox{keys: s.Tickets, identity: s.identity(), timeout: s.Timeout, now: time.Now}
	if s.Verifier != nil && s.Verifier.Clock != nil {
		box.now, c.Time = s.Verifier.Clock, s.Verifier.Clock
	}
	c.WrapSession, c.UnwrapSession = box.wrap, box.unwrap
	return c, p.warnings, nil
}

// stapled returns the certificate with its present OCSP response.
func (s *Server) stapled(c *tls.Certificate) *tls.Certificate {
	if s.Staple == nil {
		return c
	}
	with := *c
	with.OCSPStaple = s.Staple(c.Leaf)
	return &with
}

// Supported returns the certificate that the client supports best, or one that it does not support. As
// in OpenSSL, the certificate need not have the name that the client requests, which
// ClientHelloInfo.SupportsCertificate demands.
func Supported(hello *tls.ClientHelloInfo, all []tls.Certificate) *tls.Certificate {
	unnamed := *hello
	unnamed.ServerName = ""
	all = byPreference(all)
	for i := range all {
		if unnamed.SupportsCertificate(&all[i]) == nil {
			return &all[i]
		}
	}
	return &all[0]
}

// byPreference returns the certificates in the order in which crypto/tls tries them: ECDSA, Ed25519,
// RSA. Of several with one kind of key the last is used, as OpenSSL does.
func byPreference(all []tls.Certificate) (ordered []tls.Certificate) {
	for _, kind := range []x509.PublicKeyAlgorithm{x509.ECDSA, x509.Ed25519, x509.RSA} {
		for _, c := range slices.Backward(all) {
			if c.Leaf.PublicKeyAlgorithm == kind {
				ordered = append(ordered, c)
				break
			}
		}
	}
	return ordered
}

// pool returns the certificates whose names are sent in a request for a certificate.
func pool(certs []*x509.Certificate) *x509.CertPool {
	if len(certs) == 0 {
		return nil
	}
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c)
	}
	return p
}

// identity returns a hash of the settings that a resumed session must share with its first handshake:
// the server, its certificates, and how clients are verified.
func (s Server) identity() (id [sha256.Size]byte) {
	sum := sha256.New()
	addTo(sum, []byte(s.Name))
	for _, c := range s.Certificates {
		addTo(sum, c.Leaf.Raw)
	}
	addTo(sum, []byte{byte(s.Verify)})
	if s.Verifier != nil {
		store := s.Verifier.Store.Identity()
		addTo(sum, store[:])
		addTo(sum, binary.BigEndian.AppendUint64(nil, uint64(s.Verifier.Depth)<<8|uint64(s.Verifier.Level)))
	}
	for _, c := range s.ClientAuthorities {
		addTo(sum, c.RawSubject)
	}
	sum.Sum(id[:0])
	return id
}

// addTo adds a field with its length, so that two lists of fields never have the same bytes.
func addTo(sum hash.Hash, field []byte) {
	sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
	sum.Write(field)
}
