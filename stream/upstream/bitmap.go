package upstream

// A bitmap is the set of peers that a session has tried. The first 64 peers fit in the bitmap
// itself, as in nginx, and so does one peer after them: a session that tries at most one such peer
// does not allocate. The zero value is empty.
type bitmap struct {
	word uint64
	one  int32     // a number after the first 64; 0 means none
	more *[]uint64 // all numbers after the first 64, instead of one
}

const wordBits = 64

func (b *bitmap) has(i int) bool {
	switch {
	case i < wordBits:
		return b.word&(1<<i) != 0
	case b.more == nil:
		return int32(i) == b.one
	}
	return (*b.more)[i/wordBits]&(1<<(i%wordBits)) != 0
}

// set adds i to a set of numbers below n.
func (b *bitmap) set(i, n int) {
	switch {
	case i < wordBits:
		b.word |= 1 << i
	case b.more != nil:
		(*b.more)[i/wordBits] |= 1 << (i % wordBits)
	case b.one == 0:
		b.one = int32(i)
	default:
		words := make([]uint64, (n+wordBits-1)/wordBits)
		b.more = &words
		b.set(int(b.one), n)
		b.set(i, n)
	}
}

// empty reports whether the set is empty.
func (b *bitmap) empty() bool { return *b == bitmap{} }

func (b *bitmap) clear() { *b = bitmap{} }
