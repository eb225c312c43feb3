package upstream

import (
	"strconv"
	"strings"
	"testing"
)

// TestRehash checks that hashing again without the key equals hashing the number and the key.
func TestRehash(t *testing.T) {
	for _, key := range []string{"a", "device-17", "\x00\x00", strings.Repeat("k", 255), strings.Repeat("long ", 13107)} {
		p := &hashPicker{size: len(key), state: crcString(crcInit, key)}
		sum := uint32(0)
		for i := range uint64(25) {
			number := ""
			if i > 0 {
				number = strconv.FormatUint(i, 10)
			}
			sum += crcFinal(crcString(crcInit, number+key)) >> 16 & 0x7fff
			if got := p.next(); got != sum {
				t.Fatalf("hash %d of a key of %d bytes is %d, want %d", i, len(key), got, sum)
			}
		}
	}
}

func BenchmarkRehash(b *testing.B) {
	for _, size := range []int{10, 15 << 10} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			p := &hashPicker{size: size}
			for range b.N {
				p.next()
			}
		})
	}
}
