package ssl

import (
	"crypto/tls"
	"time"

	"weir/internal/tlsconf"
	"weir/internal/tlserror"
	"weir/stream"
)

// Certificates are pairs of certificates and keys whose names have variables.
type Certificates struct {
	Pairs []Pair
	Load  func(file, key string, now time.Time) (tls.Certificate, error)
}

// A Pair has the names of a certificate and its key.
type Pair struct{ File, Key stream.Template }

// Choose loads all certificates, and returns the one that the client supports best. It follows
// ngx_stream_ssl_certificate.
func (c *Certificates) Choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	s := stream.SessionOf(hello.Context())
	all := make([]tls.Certificate, len(c.Pairs))
	for i, p := range c.Pairs {
		loaded, err := c.Load(p.File.Eval(s), p.Key.Eval(s), s.Env.Now())
		if err != nil {
			s.Log(stream.LevelError, err.Error(), nil)
			return nil, tlserror.ErrCertificate
		}
		all[i] = loaded
	}
	return tlsconf.Supported(hello, all), nil
}
