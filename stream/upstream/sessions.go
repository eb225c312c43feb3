package upstream

import (
	"crypto/tls"
	"sync"
)

// maxSessions is the maximum number of TLS sessions that are kept for one server: one for each name
// and certificate that clients of the server use.
const maxSessions = 16

// tlsSessions are the TLS sessions of a server, to be resumed. The zero value is empty.
type tlsSessions struct {
	once  sync.Once
	cache tls.ClientSessionCache
}

// TLSSessions returns the cache of the server's TLS sessions. It is safe for concurrent use.
func (p *Peer) TLSSessions() tls.ClientSessionCache {
	s := &p.state.sessions
	s.once.Do(func() { s.cache = tls.NewLRUClientSessionCache(maxSessions) })
	return s.cache
}
