package web

import (
	"errors"
	"os"

	"weir/internal/certverify"
)

// Handshakes counts TLS handshakes with clients. It is safe for concurrent use.
type Handshakes interface {
	Done(resumed bool)
	TimedOut()
	Failed(err error)
	NoCertificate()
	Unverified(code certverify.Code)
}

// eachHandshakes calls f for the counters of the process, and for those of the server zone that the handshake of c
// belongs to.
func (e *Env) eachHandshakes(c *Conn, f func(Handshakes)) {
	if e.Handshakes == nil {
		return
	}
	f(e.Handshakes(""))
	if c.zone != "" {
		f(e.Handshakes(c.zone))
	}
}

// CountHandshake counts a successful handshake.
func (e *Env) CountHandshake(c *Conn, resumed bool) {
	e.eachHandshakes(c, func(h Handshakes) { h.Done(resumed) })
}

// CountFailedHandshake counts a handshake that has failed with err.
func (e *Env) CountFailedHandshake(c *Conn, err error) {
	e.eachHandshakes(c, func(h Handshakes) {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			h.TimedOut()
			return
		}
		h.Failed(err)
	})
}

// countRefused counts a client whose certificate is not accepted because of that code, or that has none.
func (r *Request) countRefused(code certverify.Code, hasCertificate bool) {
	r.Env.eachHandshakes(r.Conn, func(h Handshakes) {
		if hasCertificate {
			h.Unverified(code)
			return
		}
		h.NoCertificate()
	})
}
