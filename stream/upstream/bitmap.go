package upstream

// A bitmap is the set of peers that a session has tried. Up to 64 peers fit in the bitmap itself, as in nginx.
type bitmap struct {
	word uint64
	more []uint64 // beyond the first 64
}

const wordBits = 64

// newBitmap returns an empty set for numbers below n.
func newBitmap(n int) bitmap {
	if n <= wordBits {
		return bitmap{}
	}
	return bitmap{more: make([]uint64, (n-1)/wordBits)}
}

func (b *bitmap) at(i int) *uint64 {
	if i < wordBits {
		return &b.word
	}
	return &b.more[i/wordBits-1]
}

func (b *bitmap) has(i int) bool { return *b.at(i)&(1<<(i%wordBits)) != 0 }

func (b *bitmap) set(i int) { *b.at(i) |= 1 << (i % wordBits) }

func (b *bitmap) clear() {
	b.word = 0
	clear(b.more)
}
