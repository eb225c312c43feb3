package upstream_test

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"weir/stream"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// A model is a second implementation of hash and hash consistent, written from their descriptions
// and without optimization: every peer has its points, a ring is searched from its start, weights
// are expanded.
type model struct {
	peers   []*upstream.Peer
	current []int
	tried   []bool

	points []uint32 // sorted
	owner  map[uint32]string
}

func newModel(peers []*upstream.Peer) *model {
	m := &model{peers: peers, current: make([]int, len(peers)), owner: map[uint32]string{}}
	for _, p := range peers {
		host, port := p.Server, ""
		if i := strings.LastIndex(p.Server, ":"); i >= 0 {
			host, port = p.Server[:i], p.Server[i+1:]
		}
		var prev [4]byte
		for range 160 * p.Weight {
			hash := crc32.ChecksumIEEE([]byte(host + "\x00" + port + string(prev[:])))
			prev = [4]byte{byte(hash), byte(hash >> 8), byte(hash >> 16), byte(hash >> 24)}
			if _, taken := m.owner[hash]; !taken {
				m.owner[hash] = p.Server
				m.points = append(m.points, hash)
			}
		}
	}
	slices.Sort(m.points)
	return m
}

// roundRobin is smooth weighted round robin among the peers of that server, or among all; -1
// without a peer.
func (m *model) roundRobin(server string) int {
	best, sum := -1, 0
	for i, p := range m.peers {
		if p.Down || m.tried[i] || server != "" && p.Server != server {
			continue
		}
		sum += p.Weight
		m.current[i] += p.Weight
		if best < 0 || m.current[i] > m.current[best] {
			best = i
		}
	}
	if best >= 0 {
		m.current[best] -= sum
		m.tried[best] = true
	}
	return best
}

// consistent lists the peers that a session of that key tries when n of them fail.
func (m *model) consistent(key string, n int) []*upstream.Peer {
	hash := crc32.ChecksumIEEE([]byte(key))
	place := 0
	for place < len(m.points) && m.points[place] < hash {
		place++
	}
	misses := 0
	return m.session(n, func() int {
		for misses <= 20 {
			if i := m.roundRobin(m.owner[m.points[(place+misses)%len(m.points)]]); i >= 0 {
				return i
			}
			misses++
		}
		return m.roundRobin("")
	})
}

// plain is consistent for hash without consistent.
func (m *model) plain(key string, n int) []*upstream.Peer {
	var spread []int
	for i, p := range m.peers {
		for range p.Weight {
			spread = append(spread, i)
		}
	}
	sum, misses, prefix := uint32(0), 0, ""
	rehash := 0
	return m.session(n, func() int {
		for misses <= 20 {
			sum += crc32.ChecksumIEEE([]byte(prefix+key)) >> 16 & 0x7fff
			rehash++
			prefix = fmt.Sprint(rehash)
			i := spread[int(sum)%len(spread)]
			if !m.tried[i] && !m.peers[i].Down {
				m.tried[i] = true
				return i
			}
			misses++
		}
		return m.roundRobin("")
	})
}

func (m *model) session(n int, choose func() int) []*upstream.Peer {
	m.tried = make([]bool, len(m.peers))
	var met []*upstream.Peer
	for range n {
		if i := choose(); i >= 0 {
			met = append(met, m.peers[i])
		}
	}
	return met
}

// TestModel compares 100,000 keys on 50 random groups with the model: every server that a session
// tries when three attempts fail.
func TestModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 50 {
		list := randomPeers(rng)
		bench, key, tpl := keyedBench(t)
		consistent, plain := upstream.NewGroup("c", list, upstream.Consistent(tpl)), upstream.NewGroup("p", list, upstream.Hash(tpl))
		ringModel, plainModel := newModel(consistent.Peers()), newModel(plain.Peers())
		for i := range 2000 {
			*key = fmt.Sprintf("device-%d-%d", n, rng.IntN(i*1000+1))
			s := bench.Session()
			compareTried(t, "consistent", *key, tryPeers(consistent.Begin(s), 4), ringModel.consistent(*key, 4))
			compareTried(t, "plain", *key, tryPeers(plain.Begin(s), 4), plainModel.plain(*key, 4))
			if t.Failed() {
				t.Fatalf("group %d: %s", n, describePeers(plain.Peers()))
			}
		}
	}
}

// keyedBench returns a bench, a key that the test may change, and the template that evaluates to
// it.
func keyedBench(t *testing.T) (*upstreamtest.Bench, *string, stream.Template) {
	t.Helper()
	key := new(string)
	bench := upstreamtest.NewBench()
	err := bench.Vars.Define(stream.Variable{
		Name: "key", NoCache: true, Get: func(*stream.Session) (string, bool) { return *key, true },
	})
	if err != nil {
		t.Fatal(err)
	}
	tpl := template(t, "$key", bench.Vars)
	bench.Vars.Resolve()
	return bench, key, tpl
}

// randomPeers returns up to six peers with weights; some are further addresses of the previous
// server, some are down.
func randomPeers(rng *rand.Rand) []*upstream.PeerConf {
	list := make([]*upstream.PeerConf, 2+rng.IntN(5))
	for i := range list {
		name := fmt.Sprintf("broker-%d.example:%d", rng.IntN(1000), 1000+rng.IntN(9000))
		if i > 0 && rng.IntN(5) == 0 {
			name = list[i-1].Server
		}
		list[i] = &upstream.PeerConf{Server: name, Name: fmt.Sprint(i), Weight: 1 + rng.IntN(3), Down: i > 0 && rng.IntN(6) == 0}
	}
	return list
}

func describePeers(list []*upstream.Peer) string {
	var b strings.Builder
	for _, p := range list {
		fmt.Fprintf(&b, "%s#%s*%d down=%t ", p.Server, p.Name, p.Weight, p.Down)
	}
	return b.String()
}

// tryPeers lists the peers of a session whose attempts all fail.
func tryPeers(p upstream.Picker, n int) []*upstream.Peer {
	var met []*upstream.Peer
	for range n {
		peer, err := p.Pick()
		if err != nil {
			return met
		}
		met = append(met, peer)
		p.Free(peer, upstream.Failed, &stream.Try{})
	}
	return met
}

func compareTried(t *testing.T, method, key string, got, want []*upstream.Peer) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s %q: got %s, want %s", method, key, describePeers(got), describePeers(want))
	}
}
