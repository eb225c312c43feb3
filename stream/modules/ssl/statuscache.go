package ssl

import (
	"container/list"
	"context"
	"sync"
	"time"

	"weir/internal/certstatus"
	"weir/stream"
)

// A StatusCache keeps the statuses of client certificates: the zone of ssl_ocsp_cache. It is safe for
// concurrent use. nil keeps none.
type StatusCache struct {
	name     string
	size     int64
	statuses *statuses // shared with the same zone of the next generation
}

// statuses are the contents of a StatusCache.
type statuses struct {
	most int

	mu      sync.Mutex
	order   list.List // of *knownStatus, the oldest first
	entries map[certstatus.Key]*list.Element
}

type knownStatus struct {
	key    certstatus.Key
	status certstatus.Status
	until  time.Time
}

const (
	// statusSize is the memory that nginx uses for one status.
	statusSize = 256
	// zoneOverhead is the part of a zone that nginx uses for itself.
	zoneOverhead = 8192
	// defaultValid is how long the status of a response without nextUpdate is used, as in nginx.
	defaultValid = time.Hour
)

// NewStatusCache returns an empty cache for a zone of that name and size.
func NewStatusCache(name string, size int64) *StatusCache {
	most := int((size - zoneOverhead) / statusSize)
	return &StatusCache{name: name, size: size, statuses: &statuses{most: most, entries: map[certstatus.Key]*list.Element{}}}
}

// Name returns the name of the zone.
func (c *StatusCache) Name() string { return c.name }

// Key implements stream.Part.
func (c *StatusCache) Key() string { return "ssl_ocsp_cache " + c.name }

// Open takes the statuses of old if the zone has the same size.
func (c *StatusCache) Open(_ context.Context, _ *stream.Env, old stream.Part) error {
	if before, ok := old.(*StatusCache); ok && before.size == c.size {
		c.statuses = before.statuses
	}
	return nil
}

// Close does nothing.
func (c *StatusCache) Close() error { return nil }

// get returns a status that is still valid. It follows ngx_ssl_ocsp_cache_lookup.
func (c *StatusCache) get(key certstatus.Key, now time.Time) (certstatus.Status, bool) {
	if c == nil {
		return 0, false
	}
	s := c.statuses
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[key]
	if e == nil {
		return 0, false
	}
	known := e.Value.(*knownStatus)
	if !known.until.After(now) {
		s.remove(e)
		return 0, false
	}
	return known.status, true
}

// put keeps the status of an answer, in place of the oldest one if the zone is full. It follows
// ngx_ssl_ocsp_cache_store.
func (c *StatusCache) put(key certstatus.Key, a certstatus.Answer, now time.Time) {
	if c == nil || !a.Until.IsZero() && a.Until.Before(now) {
		return
	}
	until := a.Until
	if until.IsZero() {
		until = now.Add(defaultValid)
	}
	s := c.statuses
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil {
		s.remove(e)
	}
	if s.order.Len() >= s.most {
		s.remove(s.order.Front())
	}
	s.entries[key] = s.order.PushBack(&knownStatus{key, a.Status, until})
}

func (s *statuses) remove(e *list.Element) {
	delete(s.entries, e.Value.(*knownStatus).key)
	s.order.Remove(e)
}
