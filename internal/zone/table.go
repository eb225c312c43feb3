// Package zone counts uses by key, and keeps as many keys as would fit in a shared memory zone of
// nginx.
package zone

import (
	"hash/maphash"
	"sync"
)

// A Layout describes nginx's use of the zone.
type Layout struct {
	Size  int64 // of the zone, in bytes
	Fixed []int // sizes of the blocks allocated from the beginning
	Node  int   // size of the data for a key, without the key itself
}

// A Table counts by key. It is safe for concurrent use, and exact: a count never exceeds its limit,
// even with concurrent callers. Its locks are held for arithmetic only.
type Table struct {
	seed   maphash.Seed
	node   int
	slab   Slab
	shards [shards]shard
}

// shards is the number of parts of a table that can be changed concurrently; a power of two.
const shards = 16

// A shard contains the entries of some of the keys. Its lock is taken before that of the slab.
type shard struct {
	mu      sync.Mutex
	entries map[string]*Entry
	_       [48]byte // keeps two shards out of the same cache line
}

// An Entry is a key in use, and one use counted under it. All users of one key share the same
// Entry; each of them calls Release once.
type Entry struct {
	table *Table
	key   string
	count int
}

// NewTable returns an empty table.
func NewTable(l Layout) *Table {
	t := &Table{seed: maphash.MakeSeed(), node: l.Node}
	t.slab.init(l.Size)
	for _, size := range l.Fixed {
		t.slab.Alloc(size)
	}
	for i := range t.shards {
		t.shards[i].entries = map[string]*Entry{}
	}
	return t
}

// A Result reports whether a use was counted.
type Result int

// The results.
const (
	Taken Result = iota
	Over         // the key is at its limit
	Full         // the key is new, and the zone has no room for it
)

// Take counts a use under key, whose limit is at least one. Only Taken returns an Entry.
func (t *Table) Take(key string, limit int) (*Entry, Result) {
	sh := t.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e := sh.entries[key]
	switch {
	case e == nil:
		if !t.slab.Alloc(t.node + len(key)) {
			return nil, Full
		}
		e = &Entry{table: t, key: key}
		sh.entries[key] = e
	case e.count >= limit:
		return nil, Over
	}
	e.count++
	return e, Taken
}

// Release ends one use; the last one removes the key. It makes an Entry a lease that a session can
// own.
func (e *Entry) Release() {
	t := e.table
	sh := t.shard(e.key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if e.count--; e.count > 0 {
		return
	}
	if e.count < 0 {
		panic("zone: place released twice")
	}
	delete(sh.entries, e.key)
	t.slab.Free(t.node + len(e.key))
}

// Slab returns the space of the zone, for its figures.
func (t *Table) Slab() *Slab { return &t.slab }

// Len returns the number of keys in use.
func (t *Table) Len() int {
	n := 0
	for i := range t.shards {
		sh := &t.shards[i]
		sh.mu.Lock()
		n += len(sh.entries)
		sh.mu.Unlock()
	}
	return n
}

func (t *Table) shard(key string) *shard {
	return &t.shards[maphash.String(t.seed, key)%shards]
}
