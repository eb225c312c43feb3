package tlsconf

import "crypto/tls"

// A Client has the settings of connections to servers.
type Client struct{ config *tls.Config }

// NewClient returns the settings and warnings about those that crypto/tls follows in part.
func NewClient(s Settings) (*Client, []string, error) {
	c, p, err := s.config()
	if err != nil {
		return nil, nil, err
	}
	c.InsecureSkipVerify = true // CheckUpstream verifies after the handshake, also of a resumed session
	c.SessionTicketsDisabled = p.noTickets
	return &Client{c}, p.warnings, nil
}

// Config returns the configuration of one connection. serverName is the name that is sent, or empty;
// an IP address is never sent. sessions has the sessions of the server, and is nil if they are not
// resumed.
func (c *Client) Config(serverName string, sessions tls.ClientSessionCache) *tls.Config {
	own := c.config.Clone()
	own.ServerName = serverName
	own.ClientSessionCache = sessions
	return own
}
