// Package testmutate gives parsers many changed messages. Unlike fuzzing it takes a known time, and the
// messages are the same in every run.
package testmutate

import (
	"math/rand/v2"
	"runtime"
	"testing"
)

// messages is how many messages Run makes; short is how many with -short.
const (
	messages = 400_000
	short    = 20_000
)

// maxGrowth limits the memory that a parser may keep.
const maxGrowth = 32 << 20

// Run calls parse with messages made of the seeds by a few changes, and checks that the parser keeps no
// memory. parse must not keep b.
func Run(t *testing.T, seeds [][]byte, parse func(b []byte)) {
	t.Helper()
	n := messages
	if testing.Short() {
		n = short
	}
	r := rand.New(rand.NewPCG(1, 2))
	before := heap()
	var buffer []byte
	for i := range n {
		buffer = append(buffer[:0], seeds[i%len(seeds)]...)
		b := buffer
		for range 1 + r.IntN(4) {
			b = Mutate(r, b)
		}
		parse(b)
	}
	if grown := heap() - before; grown > maxGrowth {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}

// heap returns the size of the reachable heap.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Mutate changes one place of a message, and may change b.
func Mutate(r *rand.Rand, b []byte) []byte {
	if len(b) == 0 {
		return append(b, byte(r.Uint32()))
	}
	at := r.IntN(len(b))
	switch r.IntN(6) {
	case 0: // cut
		return b[:at]
	case 1: // a bit
		b[at] ^= 1 << r.IntN(8)
	case 2: // a byte at a limit
		b[at] = [...]byte{0, 1, 0x7f, 0x80, 0xff}[r.IntN(5)]
	case 3: // a length is often one of the first bytes
		b[min(1+r.IntN(4), len(b)-1)] = byte(r.Uint32())
	case 4: // some bytes are missing
		return append(b[:at], b[min(at+1+r.IntN(4), len(b)):]...)
	case 5: // some bytes come twice
		part := append([]byte(nil), b[at:min(at+1+r.IntN(64), len(b))]...)
		return append(b[:at], append(part, b[at:]...)...)
	}
	return b
}
