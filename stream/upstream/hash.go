package upstream

import (
	"hash/crc32"
	"strconv"

	"weir/stream"
)

// maxTries is how many misses a method that guesses accepts in one session before round robin takes over.
const maxTries = 20

// Hash returns the method `hash KEY`: clients of one key go to one peer, and a change of the group moves nearly all of them. It
// follows ngx_stream_upstream_hash_module.c, and with it Cache::Memcached.
func Hash(key stream.Template) Method { return plainHash{key} }

type plainHash struct {
	key stream.Template
}

func (m plainHash) Begin(s *stream.Session, g *Group) Picker {
	return &hashPicker{picker: newPicker(s, g), key: m.key.Eval(s)}
}

type hashPicker struct {
	picker
	key    string
	sum    uint32 // of all hashes so far
	rehash uint32 // hashes made so far
	misses uint8
}

func (p *hashPicker) Pick() (*Peer, error) {
	now := p.now()
	p.set.group.mu.Lock()
	defer p.set.group.mu.Unlock()
	p.follow()
	if p.key == "" || p.list().weight == 0 {
		return p.roundRobin(now)
	}
	for ; p.misses <= maxTries; p.misses++ {
		i := p.list().at(int64(p.next()) % p.list().weight)
		if p.open(i, now) != nil {
			return p.take(i, now)
		}
	}
	return p.roundRobin(now)
}

// next goes on to the next hash. Weights count as configured, those of peers out of use included.
func (p *hashPicker) next() uint32 {
	state := crcInit
	if p.rehash > 0 {
		var digits [10]byte
		for _, d := range strconv.AppendUint(digits[:0], uint64(p.rehash), 10) {
			state = crcByte(state, d)
		}
	}
	p.rehash++
	p.sum += crcFinal(crcString(state, p.key)) >> 16 & 0x7fff
	return p.sum
}

// The CRC is the common one; its state is kept raw because a ring continues one state in many ways, and keys are strings.
const crcInit = ^uint32(0)

func crcByte(state uint32, b byte) uint32 { return crc32.IEEETable[byte(state)^b] ^ state>>8 }

func crcString(state uint32, s string) uint32 {
	for i := range len(s) {
		state = crcByte(state, s[i])
	}
	return state
}

func crcFinal(state uint32) uint32 { return ^state }
