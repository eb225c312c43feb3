// Package keyval is the database of a keyval_zone: pairs of a key and a value that the API changes and
// sessions look up.
//
// The content of a Store is immutable; a change makes another content, which shares most of its memory
// with the one before, and replaces a pointer. So a lookup takes no lock, never waits for a change and
// allocates nothing, and reading all pairs delays no change.
//
// See https://nginx.org/en/docs/stream/ngx_stream_keyval_module.html.
package keyval

import (
	"errors"
	"iter"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"weir/internal/zone"
)

// A Type decides which records match a search key.
type Type int

// The types.
const (
	String Type = iota // the record that equals the search key
	IP                 // the smallest network that contains the address or the network in the search key
	Prefix             // the longest record that is a prefix of the search key
)

// Options describe a Store.
type Options struct {
	Name    string // of the zone, for errors
	Size    int64  // of the zone, in bytes
	Type    Type
	Timeout time.Duration    // how long a pair lasts after its last change; 0 means for ever
	Now     func() time.Time // the clock
}

// A Pair is a key with its value. Expire is the time after which the pair expires; 0 means the timeout
// of the zone in a change, and never in a result.
type Pair struct {
	Key, Value string
	Expire     time.Duration
}

// A Store keeps pairs, as many as have room in the zone. It removes no pair to make room for another,
// except pairs that have expired. A pair that has expired is not found any more, and its memory is freed
// by the next Sweep.
//
// A Store is safe for concurrent use. Errors of changes are of type *Error, and leave the content as it
// was.
type Store struct {
	name    string
	kind    Type
	clock   clock
	timeout atomic.Int64 // milliseconds
	content atomic.Pointer[content]
	slab    *zone.Slab
	changes atomic.Uint64

	mu    sync.Mutex // taken by changes
	first int64      // no pair expires before this time
}

// content is immutable once published.
type content struct {
	index index
	n     int
}

// Sizes of the data of a pair in a zone, without key and value.
const (
	pairSize  = 80
	indexSize = 64 // for types with an index of their own
)

// New returns an empty Store.
func New(o Options) *Store {
	s := &Store{
		name: o.Name, kind: o.Type, clock: clock{now: o.Now, base: o.Now()}, slab: zone.NewSlab(o.Size), first: never,
	}
	s.SetTimeout(o.Timeout)
	s.content.Store(&content{index: newIndex(o.Type)})
	return s
}

// SetTimeout sets the timeout for later changes. Pairs that exist keep their times.
func (s *Store) SetTimeout(d time.Duration) { s.timeout.Store(d.Milliseconds()) }

// A clock counts milliseconds since its base. It does not follow changes of the system's time.
type clock struct {
	now  func() time.Time
	base time.Time
}

// never is later than any time.
const never = math.MaxInt64

// ms returns the time, at least 1.
func (c *clock) ms() int64 { return c.of(c.now()) }

// of returns the milliseconds of t, at least 1.
func (c *clock) of(t time.Time) int64 { return max(t.Sub(c.base).Milliseconds()+1, 1) }

// A pair is immutable once published.
type pair struct {
	key, value string
	expires    int64 // milliseconds of the clock; 0 means never, absent marks the lack of a pair
}

const absent = -1

// expired reports whether the time of the pair is over.
func (p *pair) expired(c *clock) bool { return p.expires > 0 && p.expires <= c.ms() }

// public returns the pair as users see it at time now.
func (p *pair) public(now int64) Pair {
	out := Pair{Key: p.key, Value: p.value}
	if p.expires > 0 {
		out.Expire = time.Duration(p.expires-now) * time.Millisecond
	}
	return out
}

// Lookup returns the value of the record that matches key by the rules of the type. It allocates
// nothing.
func (s *Store) Lookup(key string) (value string, ok bool) {
	p := s.content.Load().index.search(key, &s.clock)
	if p == nil {
		return "", false
	}
	return p.value, true
}

// Get returns the pair whose key is key. For type IP all texts of one network are the same key.
func (s *Store) Get(key string) (Pair, bool) {
	p := s.content.Load().index.exact(key)
	if p == nil || p.expired(&s.clock) {
		return Pair{}, false
	}
	return p.public(s.clock.ms()), true
}

// Len returns the number of pairs; a pair that has expired counts until the next Sweep.
func (s *Store) Len() int { return s.content.Load().n }

// All returns the pairs of one moment in the order of their keys.
func (s *Store) All() iter.Seq[Pair] {
	return func(yield func(Pair) bool) {
		now := s.clock.ms()
		for p := range s.content.Load().index.all() {
			if p.expires > 0 && p.expires <= now {
				continue
			}
			if !yield(p.public(now)) {
				return
			}
		}
	}
}

// Figures returns the memory of the zone that is in use.
func (s *Store) Figures() zone.Figures { return s.slab.Figures() }

// ResetFigures sets the numbers of requests and of failures in the figures to zero.
func (s *Store) ResetFigures() { s.slab.Reset() }

// Add adds one pair, or several to an empty Store: all of them or none.
func (s *Store) Add(pairs ...Pair) error {
	if len(pairs) == 0 {
		return ErrKeyRequired
	}
	if len(pairs) > 1 && s.Len() > 0 {
		s.Sweep()
	}
	return s.withRoom(func() error {
		if len(pairs) == 1 {
			return s.addOne(pairs[0])
		}
		return s.addAll(pairs)
	})
}

// withRoom calls change with the lock. If the zone is full, it removes pairs that have expired and calls
// change again.
func (s *Store) withRoom(change func() error) error {
	err := s.locked(change)
	if errors.Is(err, errFull(s.name)) && s.Sweep() {
		err = s.locked(change)
	}
	return err
}

// locked calls change with the lock, and counts the change if there is no error.
func (s *Store) locked(change func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := change(); err != nil {
		return err
	}
	s.changes.Add(1)
	return nil
}

func (s *Store) addOne(p Pair) error {
	added, err := s.prepare(p)
	if err != nil {
		return err
	}
	old := s.content.Load()
	before := old.index.exact(p.Key)
	if before != nil && !before.expired(&s.clock) {
		return errKeyExists(p.Key)
	}
	return s.put(old, before, added)
}

// put publishes a content with p in the place of before, which is nil if the key is new.
func (s *Store) put(old *content, before *pair, p pair) error {
	n := old.n + 1
	if before != nil {
		s.free(before)
		n--
	}
	if !s.alloc(&p) {
		if before != nil {
			s.alloc(before) // its room is still free
		}
		return errFull(s.name)
	}
	s.first = min(s.first, expiry(&p))
	s.content.Store(&content{old.index.with(p, false), n})
	return nil
}

// addAll adds several pairs to an empty Store.
func (s *Store) addAll(pairs []Pair) error {
	if s.Len() > 0 {
		return ErrOneKeyAdded
	}
	d := s.draft()
	for _, p := range pairs {
		added, err := s.prepare(p)
		if err == nil {
			err = d.add(added)
		}
		if err != nil {
			d.discard()
			return err
		}
	}
	d.publish()
	return nil
}

// A draft is a content under construction for an empty Store. Its owner has the lock.
type draft struct {
	s     *Store
	index index
	n     int
	first int64
}

func (s *Store) draft() *draft { return &draft{s: s, index: newIndex(s.kind), first: never} }

func (d *draft) add(p pair) error {
	if d.index.exact(p.key) != nil {
		return errKeyExists(p.key)
	}
	if !d.s.alloc(&p) {
		return errFull(d.s.name)
	}
	d.index = d.index.with(p, true)
	d.first = min(d.first, expiry(&p))
	d.n++
	return nil
}

func (d *draft) discard() {
	for p := range d.index.all() {
		d.s.free(p)
	}
}

func (d *draft) publish() {
	d.s.first = d.first
	d.s.content.Store(&content{d.index, d.n})
}

// prepare checks a pair from the API and sets its time.
func (s *Store) prepare(p Pair) (pair, error) {
	switch {
	case p.Key == "":
		return pair{}, ErrKeyRequired
	case !s.content.Load().index.valid(p.Key):
		return pair{}, ErrKeyFormat
	}
	expires, err := s.expires(p.Expire)
	return pair{p.Key, p.Value, expires}, err
}

// expires returns the time at which a pair that is changed now expires.
func (s *Store) expires(after time.Duration) (int64, error) {
	timeout := s.timeout.Load()
	switch {
	case timeout == 0 && after != 0:
		return 0, ErrNoTimeout
	case timeout == 0:
		return 0, nil
	case after != 0:
		timeout = max(after.Milliseconds(), 0)
	}
	return s.clock.ms() + timeout, nil
}

// expiry returns the time at which p expires.
func expiry(p *pair) int64 {
	if p.expires == 0 {
		return never
	}
	return p.expires
}

// Update replaces the value and the time of a pair that exists.
func (s *Store) Update(p Pair) error {
	return s.change(p.Key, func(*pair) (pair, error) { return s.prepare(p) })
}

// UpdateExpire sets the time after which a pair expires; its value remains.
func (s *Store) UpdateExpire(key string, after time.Duration) error {
	return s.change(key, func(before *pair) (pair, error) { return s.prepare(Pair{key, before.value, after}) })
}

// change replaces a pair that exists by the result of next.
func (s *Store) change(key string, next func(before *pair) (pair, error)) error {
	return s.withRoom(func() error {
		old := s.content.Load()
		before, err := s.existing(old, key)
		if err != nil {
			return err
		}
		after, err := next(before)
		if err != nil {
			return err
		}
		after.key = before.key
		return s.put(old, before, after)
	})
}

func (s *Store) existing(c *content, key string) (*pair, error) {
	if key == "" {
		return nil, ErrKeyRequired
	}
	p := c.index.exact(key)
	if p == nil || p.expired(&s.clock) {
		return nil, ErrKeyNotFound
	}
	return p, nil
}

// Delete removes a pair.
func (s *Store) Delete(key string) error {
	return s.locked(func() error {
		old := s.content.Load()
		p, err := s.existing(old, key)
		if err != nil {
			return err
		}
		s.remove(old, p)
		return nil
	})
}

// remove publishes a content without p.
func (s *Store) remove(old *content, p *pair) {
	s.content.Store(&content{old.index.without(p.key), old.n - 1})
	s.free(p)
}

// Apply makes the change of the body of a PATCH.
func (s *Store) Apply(c Change) error {
	switch c.Kind {
	case DeletePair:
		return s.Delete(c.Key)
	case SetExpire:
		return s.UpdateExpire(c.Key, c.Expire)
	}
	return s.Update(c.Pair)
}

// Clear removes all pairs.
func (s *Store) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.content.Swap(&content{index: newIndex(s.kind)})
	for p := range old.index.all() {
		s.free(p)
	}
	s.first = never
	s.changes.Add(1)
}

// sweepBatch is how many pairs are removed at a time.
const sweepBatch = 1024

// Sweep removes the pairs that have expired, and reports whether there were any. It looks at all pairs
// only if one of them may have expired. Changes wait while one batch of pairs is removed.
func (s *Store) Sweep() bool {
	now := s.clock.ms()
	s.mu.Lock()
	if s.first > now {
		s.mu.Unlock()
		return false
	}
	s.first = never
	old := s.content.Load()
	s.mu.Unlock()

	first, removed := int64(never), false
	var batch []*pair
	for p := range old.index.all() {
		if when := expiry(p); when > now {
			first = min(first, when)
			continue
		}
		if batch = append(batch, p); len(batch) == sweepBatch {
			removed = s.removeExpired(batch, now) || removed
			batch = batch[:0]
		}
	}
	removed = s.removeExpired(batch, now) || removed
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = min(s.first, first)
	return removed
}

// removeExpired removes those of the pairs that have expired and were not changed since.
func (s *Store) removeExpired(batch []*pair, now int64) (removed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range batch {
		c := s.content.Load()
		if found := c.index.exact(p.key); found != nil && expiry(found) <= now {
			s.remove(c, found)
			removed = true
		}
	}
	return removed
}

// alloc takes the room of a pair, and reports whether there was enough.
func (s *Store) alloc(p *pair) bool {
	if !s.slab.Alloc(p.size()) {
		return false
	}
	if s.kind != String && !s.slab.Alloc(indexSize) {
		s.slab.Free(p.size())
		return false
	}
	return true
}

func (s *Store) free(p *pair) {
	s.slab.Free(p.size())
	if s.kind != String {
		s.slab.Free(indexSize)
	}
}

func (p *pair) size() int { return pairSize + len(p.key) + len(p.value) }
