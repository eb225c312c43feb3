package tlsconf

import (
	"container/list"
	"crypto/tls"
	"sync"
	"time"
)

// A CertificateCache keeps the certificates that connections load, as ssl_certificate_cache and
// proxy_ssl_certificate_cache describe. It is safe for concurrent use. nil keeps none.
type CertificateCache struct {
	limits CacheLimits

	mu      sync.Mutex
	recent  list.List // of *cached, the last used first
	entries map[cacheKey]*list.Element
}

// CacheLimits are the parameters of a CertificateCache.
type CacheLimits struct {
	Max      int           // the number of certificates
	Valid    time.Duration // how long a certificate is used before it is read again
	Inactive time.Duration // how long a certificate is kept that is not used
}

// cacheKey has the values of the directives for the certificate and the key.
type cacheKey struct{ certificate, key string }

type cached struct {
	cacheKey
	value        tls.Certificate
	loaded, used time.Time
}

// NewCertificateCache returns an empty cache.
func NewCertificateCache(l CacheLimits) *CertificateCache {
	return &CertificateCache{limits: l, entries: map[cacheKey]*list.Element{}}
}

// Certificate returns the certificate with that key from the cache, or what load returns. An error is
// not kept.
func (c *CertificateCache) Certificate(certificate, key string, now time.Time, load func() (tls.Certificate, error)) (tls.Certificate, error) {
	if c == nil {
		return load()
	}
	id := cacheKey{certificate, key}
	if found, ok := c.get(id, now); ok {
		return found, nil
	}
	value, err := load()
	if err == nil {
		c.put(&cached{id, value, now, now})
	}
	return value, err
}

func (c *CertificateCache) get(id cacheKey, now time.Time) (tls.Certificate, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[id]
	if e == nil {
		return tls.Certificate{}, false
	}
	found := e.Value.(*cached)
	if now.Sub(found.loaded) > c.limits.Valid || now.Sub(found.used) > c.limits.Inactive {
		c.remove(e)
		return tls.Certificate{}, false
	}
	found.used = now
	c.recent.MoveToFront(e)
	return found.value, true
}

func (c *CertificateCache) put(added *cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[added.cacheKey]; e != nil {
		c.remove(e)
	}
	c.entries[added.cacheKey] = c.recent.PushFront(added)
	for oldest := c.recent.Back(); c.isSuperfluous(oldest, added.used); oldest = c.recent.Back() {
		c.remove(oldest)
	}
}

// isSuperfluous reports whether the entry that was used least recently is one too many, or inactive.
func (c *CertificateCache) isSuperfluous(oldest *list.Element, now time.Time) bool {
	return c.recent.Len() > c.limits.Max || now.Sub(oldest.Value.(*cached).used) > c.limits.Inactive
}

func (c *CertificateCache) remove(e *list.Element) {
	delete(c.entries, e.Value.(*cached).cacheKey)
	c.recent.Remove(e)
}
