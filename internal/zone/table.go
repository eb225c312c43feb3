// Package zone counts what is in use under each of many keys, and keeps as many keys as would fit a shared memory zone of nginx.
package zone

import (
	"hash/maphash"
	"sync"
)

// A Layout says what nginx would keep in the zone.
type Layout struct {
	Size  int64 // of the zone, in bytes
	Fixed []int // sizes of the blocks that are there from the beginning
	Node  int   // size of what is kept for a key, the key itself not counted
}

// A Table counts by key. It is safe for concurrent use, and exact: a count is never above its limit, whoever asks at the same time.
// Its locks are held for arithmetic only.
type Table struct {
	seed   maphash.Seed
	node   int
	slab   slab
	shards [shards]shard
}

// shards is how many parts of a table can be worked on at a time; a power of two.
const shards = 16

// A shard holds the entries of some of the keys. Its lock is taken before that of the slab.
type shard struct {
	mu      sync.Mutex
	entries map[string]*Entry
	_       [48]byte // so that two shards do not share a cache line
}

// An Entry is a key that is in use, together with the place that was taken under it. All who hold a place under one key have the same
// Entry; each of them gives its place back by one Release.
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
		t.slab.alloc(size)
	}
	for i := range t.shards {
		t.shards[i].entries = map[string]*Entry{}
	}
	return t
}

// A Result says whether a place was taken.
type Result int

// The results.
const (
	Taken Result = iota
	Over         // as many places are taken under the key as may be
	Full         // the key is new, and the zone has no room for it
)

// Take takes a place under key, of which there may be limit, at least one. Only with Taken there is an Entry.
func (t *Table) Take(key string, limit int) (*Entry, Result) {
	sh := t.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e := sh.entries[key]
	switch {
	case e == nil:
		if !t.slab.alloc(t.node + len(key)) {
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

// Release gives one place back; the key goes with its last one. It makes an Entry what a session can hold as a lease.
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
	t.slab.free(t.node + len(e.key))
}

// Len is how many keys are in use.
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
