package mapping

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
)

// A table maps texts to values, without regard to the case of ASCII letters, in little memory: the texts stand one behind the other
// in one array, and a hash table of 4-byte places leads to them. The zero table is empty.
type table struct {
	records []byte   // for each text its length, its value, and itself in lower case
	slots   []uint32 // 1 + the place of a record; 0: free. A power of two, at most three quarters of them in use
	count   int
	longest int // text
	labels  int // that the text with the most dots has
}

// minSlots is the size of the smallest hash table.
const minSlots = 8

var errTooLarge = errors.New("map of more than 4G is not supported by weir")

// reserve makes room for n texts.
func (t *table) reserve(n int) {
	size := minSlots
	for fullAt(size) <= n {
		size *= 2
	}
	if n > 0 {
		t.slots = make([]uint32, size)
	}
}

// fullAt is how many of size slots may be in use.
func fullAt(size int) int { return size / 4 * 3 }

// find returns the value of text.
func (t *table) find(text string) (value, bool) {
	if t.count == 0 || len(text) > t.longest {
		return 0, false
	}
	mask := uint32(len(t.slots) - 1)
	for i := hash(text) & mask; ; i = (i + 1) & mask {
		place := t.slots[i]
		if place == 0 {
			return 0, false
		}
		if key, v := t.record(place - 1); len(key) == len(text) && equalLower(key, text) {
			return v, true
		}
	}
}

// add maps text to v, and reports whether it was new.
func (t *table) add(text string, v value) (added bool, err error) {
	if _, found := t.find(text); found {
		return false, nil
	}
	place := len(t.records)
	if place >= math.MaxUint32 {
		return false, errTooLarge
	}
	if t.count >= fullAt(len(t.slots)) {
		t.grow()
	}
	t.records = binary.AppendUvarint(t.records, uint64(len(text)))
	t.records = binary.AppendUvarint(t.records, uint64(v))
	for i := range len(text) {
		t.records = append(t.records, lower(text[i]))
	}
	t.place(hash(text), uint32(place))
	t.count++
	t.longest = max(t.longest, len(text))
	t.labels = max(t.labels, 1+strings.Count(text, "."))
	return true, nil
}

// place puts a record into the first free slot.
func (t *table) place(hash, at uint32) {
	mask := uint32(len(t.slots) - 1)
	i := hash & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = at + 1
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]uint32, max(minSlots, 2*len(old)))
	for _, place := range old {
		if place != 0 {
			key, _ := t.record(place - 1)
			t.place(hash(key), place-1)
		}
	}
}

// trim lets go of the memory that was kept for more texts.
func (t *table) trim() { t.records = append(make([]byte, 0, len(t.records)), t.records...) }

// record reads the text and the value at a place.
func (t *table) record(place uint32) (key []byte, v value) {
	b := t.records[place:]
	n, used := binary.Uvarint(b)
	number, more := binary.Uvarint(b[used:])
	b = b[used+more:]
	return b[:n], value(number)
}

// equalLower reports whether key, which is in lower case, is text; they are equally long.
func equalLower(key []byte, text string) bool {
	for i, c := range key {
		if c != lower(text[i]) {
			return false
		}
	}
	return true
}

// hash is FNV-1a of text in lower case, mixed so that the low bits depend on all of it.
func hash[T string | []byte](text T) uint32 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(lower(text[i]))) * 1099511628211
	}
	return uint32(h>>32) ^ uint32(h)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
