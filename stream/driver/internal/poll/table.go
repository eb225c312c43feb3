package poll

import "iter"

// A Table has the connections of a loop by index. The zero Table is empty.
type Table[C any] struct {
	conns  []*C // nil where free
	free   []uint32
	serial uint32
}

// Add stores c, and returns its index and its serial. Events carry both, so that an event for an
// earlier connection at the same index is recognised.
func (t *Table[C]) Add(c *C) (index, serial uint32) {
	t.serial++
	if n := len(t.free); n > 0 {
		index = t.free[n-1]
		t.free = t.free[:n-1]
		t.conns[index] = c
		return index, t.serial
	}
	t.conns = append(t.conns, c)
	return uint32(len(t.conns) - 1), t.serial
}

// At returns the connection at an index that was in use once, or nil if the index is free.
func (t *Table[C]) At(index uint32) *C { return t.conns[index] }

// Len returns the number of indexes, free ones included.
func (t *Table[C]) Len() int { return len(t.conns) }

// Remove frees an index.
func (t *Table[C]) Remove(index uint32) {
	t.conns[index] = nil
	t.free = append(t.free, index)
}

// Leak removes the connection at an index that is never used again.
func (t *Table[C]) Leak(index uint32) { t.conns[index] = nil }

// All iterates over the connections. Connections may be removed meanwhile.
func (t *Table[C]) All() iter.Seq[*C] {
	return func(yield func(*C) bool) {
		for _, c := range t.conns {
			if c != nil && !yield(c) {
				return
			}
		}
	}
}
