package goroutine

import (
	"math/bits"
	"sync"
)

// A buffer is lent by the pools to whoever has something to read.
type buffer struct {
	bytes []byte
}

// pools hold the buffers that nobody uses, by the binary logarithm of their size.
var pools [bits.UintSize]sync.Pool

// getBuffer returns a buffer of at least size bytes, which must be positive.
func getBuffer(size int) *buffer {
	class := bits.Len(uint(size - 1))
	if b, ok := pools[class].Get().(*buffer); ok {
		return b
	}
	return &buffer{make([]byte, 1<<class)}
}

// put gives the buffer back; nil is none.
func (b *buffer) put() {
	if b != nil {
		pools[bits.Len(uint(len(b.bytes)-1))].Put(b)
	}
}
