package upstream

import (
	"slices"
	"strconv"

	"github.com/dgryski/go-jump"

	"weir/stream"
)

// Jump returns the method `hash KEY jump`, which nginx does not have: the jump consistent hash of
// Lamping and Veach. Shares are exact, choosing needs no ring, and a server appended to the group
// takes its share and moves no other client. Removing one from the middle moves many clients; use
// `consistent` for that case.
//
// Each server of the group has as many buckets as its weight, in the order of the configuration; a
// name with several addresses is one server, and smooth round robin chooses among them. If the
// server is out of use, the client is hashed again, with the number of the attempt before its key,
// up to 20 times; then round robin decides. So the clients of a failed server spread evenly and
// return to it after it recovers.
func Jump(key stream.Template) Method { return jumpHash{key} }

type jumpHash struct {
	key stream.Template
}

func (m jumpHash) derive(primary *peerList, _ any) any {
	b := &buckets{servers: serversOf(primary)}
	for _, s := range b.servers {
		b.starts = append(b.starts, b.count)
		b.count += s.weight
	}
	return b
}

func (m jumpHash) Begin(s *stream.Session, g *Group) Picker {
	return &jumpPicker{picker: newPicker(s, g), key: m.key.Eval(s)}
}

// buckets maps bucket numbers to servers. It is immutable.
type buckets struct {
	servers []server
	starts  []int // the first bucket of each server
	count   int
}

// members lists the peers of the bucket's server.
func (b *buckets) members(bucket int) []int32 {
	i, found := slices.BinarySearch(b.starts, bucket)
	if !found {
		i--
	}
	return b.servers[i].members
}

type jumpPicker struct {
	picker
	key    string
	misses uint8
}

// Pick hashes the key without the group's mutex, because clients determine the length of the key.
func (p *jumpPicker) Pick() (*Peer, error) {
	now := p.now()
	for {
		peer, err := p.try(jumpKey(p.misses, p.key), now)
		if peer != nil || err != nil {
			return peer, err
		}
	}
}

// try checks the server of the hash. It returns no result if another hash is to be tried.
func (p *jumpPicker) try(hash uint64, now int64) (*Peer, error) {
	p.set.group.mu.Lock()
	defer p.set.group.mu.Unlock()
	p.update()
	b := p.set.derived.(*buckets)
	if p.key == "" || b.count == 0 || p.misses > maxTries {
		return p.roundRobin(now)
	}
	members := b.members(int(jump.Hash(hash, b.count)))
	if i := p.nextInTurnOf(members, now); i != none {
		return p.take(i, now)
	}
	if wait := p.waitFor(members, now); wait != nil {
		return nil, wait
	}
	p.misses++
	return nil, nil
}

// The constants of 64-bit FNV-1a.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// jumpKey returns the 64-bit hash of a client's key: FNV-1a, then the finalizer of MurmurHash3,
// because the top bits of FNV alone depend too little on the last bytes, and client identifiers often
// differ only there.
func jumpKey(attempt uint8, key string) uint64 {
	h := uint64(fnvOffset)
	if attempt > 0 {
		var digits [3]byte
		for _, d := range strconv.AppendUint(digits[:0], uint64(attempt), 10) {
			h = (h ^ uint64(d)) * fnvPrime
		}
	}
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * fnvPrime
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
