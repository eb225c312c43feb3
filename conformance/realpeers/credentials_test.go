package realpeers

import (
	"crypto/tls"
	"net"

	"weir/conformance/authority"
)

// credentials are the certificates of both ends of TLS.
type credentials struct {
	CA     string // path of the authority's certificate
	Name   string // of the server
	Server authority.Pair
	Device authority.Pair

	authority *authority.Authority
}

// shared are the credentials of all tests.
var shared *credentials

// newCredentials makes credentials with files in dir.
func newCredentials(dir string) (*credentials, error) {
	a, err := authority.New(dir, "ca")
	if err != nil {
		return nil, err
	}
	c := &credentials{authority: a, CA: a.Path, Name: "mqtt.example.com"}
	if c.Server, err = a.Server(c.Name); err != nil {
		return nil, err
	}
	c.Device, err = a.Client("device-42", "Fleet")
	return c, err
}

// config returns the configuration of a client.
func (c *credentials) config() *tls.Config {
	return &tls.Config{RootCAs: c.authority.Pool(), ServerName: c.Name, Certificates: []tls.Certificate{c.Device.TLS}}
}

// secured returns the connection with TLS, if the call has any.
func (c call) secured(conn net.Conn) net.Conn {
	if c.tls == nil {
		return conn
	}
	return tls.Client(conn, c.tls.config())
}
