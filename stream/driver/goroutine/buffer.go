package goroutine

import (
	"math/bits"
	"sync"
)

// buffer is a read buffer borrowed from the pools.
type buffer struct {
	bytes []byte
}

// pools contain the unused buffers, by the binary logarithm of their size.
var pools [bits.UintSize]sync.Pool

// getBuffer returns a buffer of at least size bytes, which must be positive.
func getBuffer(size int) *buffer {
	class := bits.Len(uint(size - 1))
	if b, ok := pools[class].Get().(*buffer); ok {
		return b
	}
	return &buffer{make([]byte, 1<<class)}
}

// put returns the buffer to its pool. It does nothing if b is nil.
func (b *buffer) put() {
	if b != nil {
		pools[bits.Len(uint(len(b.bytes)-1))].Put(b)
	}
}
