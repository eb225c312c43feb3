// Package healthcheck checks the servers of upstream groups while weir runs, and reports the results
// to the groups.
//
// See https://nginx.org/en/docs/stream/ngx_stream_upstream_hc_module.html.
package healthcheck

import (
	"crypto/tls"
	"net/netip"
	"time"

	"weir/internal/errorlog"
	"weir/internal/tlsconf"
	"weir/stream"
	"weir/stream/upstream"
)

// A Check is one health_check. It is immutable.
type Check struct {
	Group      *upstream.Group
	Results    *upstream.Check
	Name       string // of the match block, for logs; may be empty
	Interval   time.Duration
	Jitter     time.Duration
	Fails      int
	Passes     int
	Port       uint16 // 0 uses the port of the server
	UDP        bool
	Timeout    time.Duration // of the whole exchange
	BufferSize int           // the maximum number of bytes of a response that are examined
	Probe      Probe
	Target     stream.Target // without the address
	Protocol   Protocol
	TLS        *TLS // nil means plain connections
	Log        *errorlog.Log
}

// TLS contains the settings of connections with TLS.
type TLS struct {
	Client     *tlsconf.Client
	Verifier   *tlsconf.Verifier // nil does not verify servers
	Name       string            // that the server's certificate must have
	Connection tlsconf.Connection
	Reuse      bool // sessions are resumed
}

// config returns the configuration of a connection to p.
func (t *TLS) config(p *upstream.Peer) *tls.Config {
	own := t.Connection
	if t.Reuse {
		own.Sessions = p.TLSSessions()
	}
	return t.Client.Config(own)
}

// addr returns the address at which the check reaches p.
func (c *Check) addr(p *upstream.Peer) stream.Addr {
	a := p.Addr
	if c.Port != 0 && !a.Unix {
		a = stream.Addr{IP: netip.AddrPortFrom(a.IP.Addr(), c.Port)}
	}
	a.UDP = c.UDP
	return a
}

// limit is the maximum number of bytes of a response that the check examines.
func (c *Check) limit() int { return min(c.Probe.Limit(), c.BufferSize) }
