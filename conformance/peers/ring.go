package peers

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sort"
	"strings"
)

// A Member is one server of a hashed group.
type Member struct {
	Server string // as written in the configuration, "HOST:PORT" or "unix:PATH"
	Weight int
}

// pointsPerWeight is the number of ring points of a server for each unit of weight.
const pointsPerWeight = 160

// A Ring is the ring of `hash KEY consistent`. It is an independent model of nginx's ring and shares no code
// with the program under test.
type Ring []point

// A point is the end of a range of hashes, which belongs to a server.
type point struct {
	hash   uint32
	server string
}

// NewRing returns the ring of a group.
func NewRing(members []Member) Ring {
	var r Ring
	for _, m := range members {
		for _, h := range ringPoints(m) {
			r = append(r, point{h, m.Server})
		}
	}
	sort.SliceStable(r, func(i, j int) bool { return r[i].hash < r[j].hash })
	return r
}

// Server returns the server of a key.
func (r Ring) Server(key string) string {
	h := crc32.ChecksumIEEE([]byte(key))
	i := sort.Search(len(r), func(i int) bool { return r[i].hash >= h })
	return r[i%len(r)].server
}

// Share returns the part of all hashes that belongs to a server.
func (r Ring) Share(server string) float64 {
	var sum uint64
	before := r[len(r)-1].hash
	for _, p := range r {
		if p.server == server {
			sum += uint64(p.hash - before) // also across the end of the ring
		}
		before = p.hash
	}
	return float64(sum) / (1 << 32)
}

// Consistent returns the server that `hash KEY consistent` chooses for key while all members are up.
func Consistent(members []Member, key string) string { return NewRing(members).Server(key) }

// Plain returns the server that `hash KEY` chooses for key while all members are up.
func Plain(members []Member, key string) string {
	total := 0
	for _, m := range members {
		total += m.Weight
	}
	at := int(crc32.ChecksumIEEE([]byte(key))>>16&0x7fff) % total
	for _, m := range members {
		if at -= m.Weight; at < 0 {
			return m.Server
		}
	}
	panic("the weights of a group do not add up to their total")
}

func ringPoints(m Member) []uint32 {
	host, port := splitServer(m.Server)
	base := []byte(host + "\x00" + port)
	var prev [4]byte
	all := make([]uint32, m.Weight*pointsPerWeight)
	for i := range all {
		all[i] = crc32.ChecksumIEEE(append(slices.Clip(base), prev[:]...))
		binary.LittleEndian.PutUint32(prev[:], all[i])
	}
	return all
}

func splitServer(server string) (host, port string) {
	if len(server) >= 5 && strings.EqualFold(server[:5], "unix:") {
		return server[5:], ""
	}
	i := strings.LastIndexByte(server, ':')
	if i < 0 || strings.Trim(server[i+1:], "0123456789") != "" {
		return server, ""
	}
	return server[:i], server[i+1:]
}
