package hostname

import (
	"encoding/binary"
	"math"
	"strings"

	"weir/internal/ascii"
)

// texts maps texts to numbers, ignoring the case of ASCII letters, in little memory: the texts are
// stored consecutively in one array, and a hash table of 4-byte offsets refers to them. The zero
// texts is empty.
type texts struct {
	records []byte // for each text its length, its number, and the text in lower case
	slots   []slot // the number is a power of two; at most three quarters are in use
	count   int
	longest int // length of the longest text
	labels  int // maximum number of labels in a text
}

// A slot refers to a record. The zero slot is free.
type slot struct {
	place uint32 // 1 + the offset of the record
	hash  uint32 // of the record's text: a different hash skips the record
}

// minSlots is the size of the smallest hash table.
const minSlots = 8

// reserve makes room for n texts of the given total number of bytes.
func (t *texts) reserve(n, bytes int) {
	size := minSlots
	for fullAt(size) <= n {
		size *= 2
	}
	if n > 0 {
		t.slots = make([]slot, size)
		t.records = make([]byte, 0, bytes+n*usualHead)
	}
}

// usualHead is the usual size of the length and the value of a record.
const usualHead = 2

// fullAt returns the maximum number of used slots for that size.
func fullAt(size int) int { return size / 4 * 3 }

// find returns the value of text.
func (t *texts) find(text string) (number uint32, ok bool) {
	if t.count == 0 || len(text) > t.longest {
		return 0, false
	}
	return t.findHashed(text, hash(text))
}

// findHashed returns the value of text, whose hash is known; slots must not be empty.
func (t *texts) findHashed(text string, hash uint32) (number uint32, ok bool) {
	mask := uint32(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		at := t.slots[i]
		if at.place == 0 {
			return 0, false
		}
		if at.hash != hash {
			continue
		}
		if key, v := t.record(at.place - 1); len(key) == len(text) && equalLower(key, text) {
			return v, true
		}
	}
}

// insert maps text to a number. The error is ErrTaken or ErrTooLarge.
func (t *texts) insert(text string, number uint32) error {
	if t.count >= fullAt(len(t.slots)) {
		t.grow()
	}
	h := hash(text)
	if _, found := t.findHashed(text, h); found {
		return ErrTaken
	}
	place := len(t.records)
	if uint64(place) >= math.MaxUint32 {
		return ErrTooLarge
	}
	t.records = binary.AppendUvarint(t.records, uint64(len(text)))
	t.records = binary.AppendUvarint(t.records, uint64(number))
	for i := range len(text) {
		t.records = append(t.records, ascii.Lower(text[i]))
	}
	t.place(slot{place: uint32(place) + 1, hash: h})
	t.count++
	t.longest = max(t.longest, len(text))
	t.labels = max(t.labels, 1+strings.Count(text, "."))
	return nil
}

// place stores a reference to a record in the first free slot.
func (t *texts) place(at slot) {
	mask := uint32(len(t.slots) - 1)
	i := at.hash & mask
	for t.slots[i].place != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = at
}

func (t *texts) grow() {
	old := t.slots
	t.slots = make([]slot, max(minSlots, 2*len(old)))
	for _, at := range old {
		if at.place != 0 {
			t.place(at)
		}
	}
}

// trim releases the memory reserved for more texts, unless it is little.
func (t *texts) trim() {
	if cap(t.records)-len(t.records) > len(t.records)/16 {
		t.records = append(make([]byte, 0, len(t.records)), t.records...)
	}
}

// record reads the text and the value of a record.
func (t *texts) record(place uint32) (key []byte, v uint32) {
	b := t.records[place:]
	n, used := binary.Uvarint(b)
	number, more := binary.Uvarint(b[used:])
	b = b[used+more:]
	return b[:n], uint32(number)
}

// equalLower reports whether text equals key, which is in lower case and of the same length.
func equalLower(key []byte, text string) bool {
	for i, c := range key {
		if c != ascii.Lower(text[i]) {
			return false
		}
	}
	return true
}

// hash returns FNV-1a of text in lower case, mixed so that the low bits depend on the whole text.
func hash(text string) uint32 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(ascii.Lower(text[i]))) * 1099511628211
	}
	return uint32(h>>32) ^ uint32(h)
}
