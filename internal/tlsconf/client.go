package tlsconf

import (
	"crypto/sha256"
	"crypto/tls"
)

// A Client has the settings of connections to servers.
type Client struct {
	config   *tls.Config
	identity string // of the certificate
}

// NewClient returns the settings and warnings about those that crypto/tls follows in part.
func NewClient(s Settings) (*Client, []string, error) {
	c, p, err := s.config()
	if err != nil {
		return nil, nil, err
	}
	c.InsecureSkipVerify = true // CheckUpstream verifies after the handshake, also of a resumed session
	c.SessionTicketsDisabled = p.noTickets
	client := &Client{config: c}
	if len(s.Certificates) > 0 {
		client.identity = present(c, &s.Certificates[0])
	}
	return client, p.warnings, nil
}

// present makes the connections of c present a certificate, and returns the certificate's identity.
// As OpenSSL does, a client presents it whatever authorities the server names, but not if the server
// accepts none of its signatures.
func present(c *tls.Config, certificate *tls.Certificate) string {
	c.Certificates = nil
	c.GetClientCertificate = func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		anyAuthority := *request
		anyAuthority.AcceptableCAs = nil
		if anyAuthority.SupportsCertificate(certificate) != nil {
			return &tls.Certificate{}, nil
		}
		return certificate, nil
	}
	sum := sha256.Sum256(certificate.Certificate[0])
	return string(sum[:])
}

// A Connection has the settings of one connection.
type Connection struct {
	ServerName  string                 // the name that is sent, or empty; an IP address is never sent
	ALPN        []string               // replaces that of the Client unless it is nil
	Certificate *tls.Certificate       // replaces that of the Client unless it is nil
	Sessions    tls.ClientSessionCache // the sessions of the server; nil if sessions are not resumed
}

// Config returns the configuration of one connection, which must not be changed. A session is resumed
// only with the same name and the same certificate of the client.
func (c *Client) Config(conn Connection) *tls.Config {
	if conn.ServerName == "" && conn.ALPN == nil && conn.Certificate == nil && conn.Sessions == nil {
		return c.config
	}
	own := c.config.Clone()
	own.ServerName = conn.ServerName
	if conn.ALPN != nil {
		own.NextProtos = conn.ALPN
	}
	identity := c.identity
	if conn.Certificate != nil {
		identity = present(own, conn.Certificate)
	}
	if conn.Sessions != nil {
		own.ClientSessionCache = sessionsOf{conn.Sessions, identity + conn.ServerName}
		if own.ServerName == "" {
			own.ServerName = unsentName
		}
	}
	return own
}

// unsentName is an address, which is never sent. crypto/tls uses no cache of sessions without a name
// if the connection has no address.
const unsentName = "0.0.0.0"

// sessionsOf has the sessions of one name and one certificate, whatever key crypto/tls uses.
type sessionsOf struct {
	all tls.ClientSessionCache
	key string
}

// Get implements tls.ClientSessionCache.
func (s sessionsOf) Get(string) (*tls.ClientSessionState, bool) { return s.all.Get(s.key) }

// Put implements tls.ClientSessionCache.
func (s sessionsOf) Put(_ string, session *tls.ClientSessionState) { s.all.Put(s.key, session) }
