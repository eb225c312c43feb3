package upstream

import (
	"hash/crc32"
	"math/bits"
	"strconv"

	"weir/stream"
)

// maxTries is how many misses per session a hashing or random method accepts before it falls back
// to round robin.
const maxTries = 20

// Hash returns the method `hash KEY`: clients with the same key use the same peer, and a change of
// the group moves nearly all clients. It follows ngx_stream_upstream_hash_module.c, and with it
// Cache::Memcached.
func Hash(key stream.Template) Method { return plainHash{key} }

type plainHash struct {
	key stream.Template
}

func (m plainHash) Begin(s *stream.Session, g *Group) Picker {
	key := m.key.Eval(s)
	return &hashPicker{picker: newPicker(s, g), size: len(key), state: crcString(crcInit, key)}
}

type hashPicker struct {
	picker
	size   int    // of the key
	state  uint32 // of the CRC after the key
	sum    uint32 // of all hashes so far
	rehash uint32 // hashes made so far
	misses uint8
}

func (p *hashPicker) Pick() (*Peer, error) {
	now := p.now()
	p.set.group.mu.Lock()
	defer p.set.group.mu.Unlock()
	p.update()
	if p.size == 0 || p.list().weight == 0 {
		return p.roundRobin(now)
	}
	for ; p.misses <= maxTries; p.misses++ {
		sum, rehash := p.sum, p.rehash
		i := p.list().at(int64(p.next()) % p.list().weight)
		if p.available(i, now) != nil {
			return p.take(i, now)
		}
		if wait := p.waitFor([]int32{int32(i)}, now); wait != nil {
			p.sum, p.rehash = sum, rehash
			return nil, wait
		}
	}
	return p.roundRobin(now)
}

// next computes the next hash, from the number of hashes so far and the key, without reading the
// key again. It uses the configured weights, including those of peers that are out of use.
func (p *hashPicker) next() uint32 {
	state := p.state
	if p.rehash > 0 {
		begin := crcInit
		var digits [10]byte
		for _, d := range strconv.AppendUint(digits[:0], uint64(p.rehash), 10) {
			begin = crcByte(begin, d)
		}
		state ^= crcZeros(begin^crcInit, p.size)
	}
	p.rehash++
	p.sum += crcFinal(state) >> 16 & 0x7fff
	return p.sum
}

// The CRC is the common CRC-32; its state is kept raw because a ring continues one state in many
// ways, and keys are strings.
const crcInit = ^uint32(0)

func crcByte(state uint32, b byte) uint32 { return crc32.IEEETable[byte(state)^b] ^ state>>8 }

func crcString(state uint32, s string) uint32 {
	for i := range len(s) {
		state = crcByte(state, s[i])
	}
	return state
}

func crcFinal(state uint32) uint32 { return ^state }

// zeros[k] is the effect of 2^k zero bytes on a state, as a matrix: zeros[k][i] is for the state
// with only bit i.
var zeros = func() (m [32][32]uint32) {
	for i := range m[0] {
		m[0][i] = crcByte(1<<i, 0)
	}
	for k := 1; k < len(m); k++ {
		for i := range m[k] {
			m[k][i] = multiply(&m[k-1], m[k-1][i])
		}
	}
	return m
}()

func multiply(m *[32]uint32, state uint32) (product uint32) {
	for ; state != 0; state &= state - 1 {
		product ^= m[bits.TrailingZeros32(state)]
	}
	return product
}

// crcZeros returns the state after n zero bytes, in time logarithmic in n. A CRC is linear: the
// states of the same bytes after two initial states differ by the state of zero bytes after their
// difference.
func crcZeros(state uint32, n int) uint32 {
	for k := 0; n>>k > 0; k++ {
		if n>>k&1 != 0 {
			state = multiply(&zeros[k], state)
		}
	}
	return state
}
