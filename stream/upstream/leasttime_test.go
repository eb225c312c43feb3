package upstream_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/stream"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// TestLeastTime runs scripts of sessions and milliseconds. A word is
//
//	a=40   a new session gets a, which takes 40 ms for the measured time; then it ends
//	a!     a new session gets a, which fails
//	(a     a new session gets a and continues;  a:40  its time becomes known;  )a  it ends
//	+40    40 ms pass
func TestLeastTime(t *testing.T) {
	lastByte := upstream.LeastTime(upstream.ToLastByte, false)
	tests := []struct {
		name   string
		method upstream.Method
		peers  string
		story  string
	}{
		{"a peer without a time is first", lastByte, "a:1*1 b:1*1", "a=40 b=60 a=40 a=40"},
		{"the faster peer is chosen", lastByte, "a:1*1 b:1*1", "a=100 b=30 b=30 b=30"},
		{"times of one cluster are equal: in turn", lastByte, "a:1*1 b:1*1", "a=41 b=59 b=59 a=41 b=59 a=41"},
		{"a full cluster counts as the next", lastByte, "a:1*1 b:1*1", "a=40 b=39 b=39 b=39"},
		{"connections multiply", lastByte, "a:1*1 b:1*1", "a=50 b=10 (b (b (b (a )b b=10"},
		{"weights divide", lastByte, "a:1*1 b:1*3", "b=100 a=50 b=100 b=100"},
		{"all times over five seconds are equal", lastByte, "a:1*1 b:1*1", "a=6000 b=50000 b=6000 a=6000"},
		{"another time has the weight 1/20", lastByte, "a:1*1 b:1*1", "a=20 b=100 a=4000 b=100"},
		{"a failed session has no time", lastByte, "a:1*1 b:1*1", "a! b=40 +11000 a=100 b=40"},
		{"the average of a peer that is not chosen for fail_timeout is halved", lastByte, "a:1*1 b:1*1", "a=100 b=10 b=10 +11000 (b (b (b a=10"},
		{"ties are resolved by weight", lastByte, "a:1*2 b:1*1", "(a a=10 b=10"},
		{"connect: recorded at the end", upstream.LeastTime(upstream.ToConnect, false), "a:1*1 b:1*1", "(a a:900 b=30 )a b=30 b=30"},
		{"connect inflight: recorded at once", upstream.LeastTime(upstream.ToConnect, true), "a:1*1 b:1*1", "(a a:10 (b b:300 )a )b a=10 (a a:10 (a"},
		{
			"first_byte inflight: waiting sessions count by their age", upstream.LeastTime(upstream.ToFirstByte, true), "a:1*1 b:1*1",
			"a=30 b=30 (b +200 (a (a a=30 b:30 a:30 )a )a )b",
		},
		{"last_byte inflight: waiting sessions count by their age", upstream.LeastTime(upstream.ToLastByte, true), "a:1*1 b:1*1", "a=30 b=30 (b +200 (a (a a=30 )b"},
		{"without inflight the age does not count", lastByte, "a:1*1 b:1*1", "a=30 b=30 (b +200 (a (a b=30"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &timedStory{T: t, bench: upstreamtest.NewBench(), open: map[string][]timedSession{}}
			s.group = upstream.NewGroup("u", parsePeers(t, tt.peers), tt.method)
			for i, word := range strings.Fields(tt.story) {
				if !s.word(word) {
					t.Fatalf("at word %d, %q, of %q", i+1, word, tt.story)
				}
			}
		})
	}
}

type timedStory struct {
	*testing.T
	bench *upstreamtest.Bench
	group *upstream.Group
	open  map[string][]timedSession
}

type timedSession struct {
	picker upstream.Picker
	peer   *upstream.Peer
	try    stream.Try
}

// word executes one word and reports whether the chosen peer is the expected one.
func (s *timedStory) word(w string) bool {
	name := strings.TrimLeft(w, "()")[:1]
	switch {
	case w[0] == '+':
		ms, _ := strconv.Atoi(w[1:])
		s.bench.Advance(time.Duration(ms) * time.Millisecond)
		return true
	case w[0] == ')':
		s.end(name, false)
		return true
	case strings.Contains(w, ":"):
		last := len(s.open[name]) - 1
		s.open[name][last].notify(milliseconds(w[2:]))
		return true
	}
	if got := s.begin(); got != name {
		s.Logf("got %s", got)
		return false
	}
	switch {
	case strings.HasSuffix(w, "!"):
		s.end(name, true)
	case w[0] != '(':
		took := milliseconds(w[2:])
		session := &s.open[name][len(s.open[name])-1]
		session.notify(took)
		session.try.Total = took
		s.end(name, false)
	}
	return true
}

func milliseconds(text string) time.Duration {
	n, _ := strconv.Atoi(text)
	return time.Duration(n) * time.Millisecond
}

func (s *timedStory) begin() (name string) {
	picker := s.group.Begin(s.bench.Session())
	peer, err := picker.Pick()
	if err != nil {
		return err.Error()
	}
	name = strings.TrimSuffix(peer.Server, ":1")
	s.open[name] = append(s.open[name], timedSession{picker, peer, stream.Try{Connect: -1, FirstByte: -1}})
	return name
}

// notify makes the session connect and get the first byte of the server, both after that time.
func (s *timedSession) notify(took time.Duration) {
	s.try.Connect, s.try.FirstByte = took, took
	s.picker.Notify(s.peer, upstream.Connected, took)
	s.picker = s.picker.Established()
	s.picker.Notify(s.peer, upstream.FirstByte, took)
}

// end ends the last session of that peer.
func (s *timedStory) end(name string, failed bool) {
	last := len(s.open[name]) - 1
	session := s.open[name][last]
	s.open[name] = s.open[name][:last]
	session.picker.Free(session.peer, upstreamtest.FailedIf(failed), &session.try)
}

// TestLeastTimeEndsAttempts ends sessions at every point: an attempt left in flight would
// count against the peer forever.
func TestLeastTimeEndsAttempts(t *testing.T) {
	for _, by := range []upstream.Measure{upstream.ToConnect, upstream.ToFirstByte, upstream.ToLastByte} {
		bench := upstreamtest.NewBench()
		peers := parsePeers(t, "a:1*1 b:1*1")
		peers[0].MaxFails, peers[1].MaxFails = 0, 0
		g := upstream.NewGroup("u", peers, upstream.LeastTime(by, true))
		for n := range 4 * 100 {
			p := g.Begin(bench.Session())
			peer, err := p.Pick()
			if err != nil {
				t.Fatal(err)
			}
			try := &stream.Try{Connect: -1, FirstByte: -1, Total: 10 * time.Millisecond}
			bench.Advance(10 * time.Millisecond)
			if n%4 > 0 {
				try.Connect = 10 * time.Millisecond
				p.Notify(peer, upstream.Connected, try.Connect)
			}
			if n%4 > 1 {
				p = p.Established()
			}
			if n%4 > 2 {
				try.FirstByte = 10 * time.Millisecond
				p.Notify(peer, upstream.FirstByte, try.FirstByte)
			}
			p.Free(peer, upstreamtest.FailedIf(n%4 == 0), try)
		}
		for _, p := range g.Peers() {
			if n := upstream.Inflight(g, p); n != 0 {
				t.Errorf("measure %d: %s has %d sessions in flight, want none", by, p.Server, n)
			}
		}
	}
}

// TestRandomTwoTimedPrefersFaster checks that the peer with the earlier expected completion is
// chosen of two.
func TestRandomTwoTimedPrefersFaster(t *testing.T) {
	bench := upstreamtest.NewBench()
	g := upstream.NewGroup("u", parsePeers(t, "a:1*1 b:1*1"), upstream.RandomTwoTimed(upstream.ToConnect))
	took := map[string]time.Duration{"a:1": 10 * time.Millisecond, "b:1": 500 * time.Millisecond}
	met := map[string]int{}
	for range 100 {
		p := g.Begin(bench.Session())
		peer, err := p.Pick()
		if err != nil {
			t.Fatal(err)
		}
		met[peer.Server]++
		p.Notify(peer, upstream.Connected, took[peer.Server])
		p.Established().Free(peer, upstream.Succeeded, &stream.Try{Connect: took[peer.Server], FirstByte: -1})
	}
	if met["b:1"] > 5 {
		t.Errorf("the slow server got %d of 100 sessions, want a few", met["b:1"])
	}
}

// TestLeastTimeModel compares 20,000 choices on random groups with a second implementation, written
// from the description of the method.
func TestLeastTimeModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := range 20 {
		bench := upstreamtest.NewBench()
		g := upstream.NewGroup("u", randomPeers(rng), upstream.LeastTime(upstream.ToLastByte, false))
		peers := g.Peers()
		m := newTimedModel(peers)
		var open []timedSession
		for range 1000 {
			if len(open) > 0 && rng.IntN(2) == 0 {
				i := rng.IntN(len(open))
				s := open[i]
				open = append(open[:i], open[i+1:]...)
				s.try.Total = time.Duration(rng.IntN(7000)) * time.Millisecond
				s.picker.Free(s.peer, upstream.Succeeded, &s.try)
				m.end(s.peer, s.try.Total)
				continue
			}
			p := g.Begin(bench.Session())
			peer, err := p.Pick()
			if err != nil {
				t.Fatal(err)
			}
			if want := m.choose(); peer != want {
				t.Fatalf("group %d: got %s, want %s, of %s", n, peer.Name, want.Name, describePeers(peers))
			}
			open = append(open, timedSession{p, peer, stream.Try{}})
		}
	}
}

// A timedModel is a second implementation of least_time last_byte, with fractions and without
// optimization.
type timedModel struct {
	model
	average map[*upstream.Peer]float64
	conns   map[*upstream.Peer]int
}

func newTimedModel(peers []*upstream.Peer) *timedModel {
	return &timedModel{
		model:   model{peers: peers, current: make([]int, len(peers))},
		average: map[*upstream.Peer]float64{}, conns: map[*upstream.Peer]int{},
	}
}

func (m *timedModel) expected(p *upstream.Peer) float64 {
	ms := int(m.average[p])
	if ms > 5000 {
		ms = 5000
	} else {
		ms = (ms/20 + 1) * 20
	}
	return float64(ms*(1+m.conns[p])) / float64(p.Weight)
}

func (m *timedModel) choose() *upstream.Peer {
	least := -1.0
	for _, p := range m.peers {
		if e := m.expected(p); !p.Down && (least < 0 || e < least) {
			least = e
		}
	}
	m.tried = make([]bool, len(m.peers))
	first := -1
	for i, p := range m.peers {
		m.tried[i] = m.expected(p) != least
		if !m.tried[i] && !p.Down && first < 0 {
			first = i
		}
	}
	chosen := m.peers[first]
	if m.several() {
		chosen = m.peers[m.roundRobin("")]
	}
	m.conns[chosen]++
	return chosen
}

// several reports whether more than one peer is left to choose.
func (m *timedModel) several() bool {
	n := 0
	for i, p := range m.peers {
		if !m.tried[i] && !p.Down {
			n++
		}
	}
	return n > 1
}

func (m *timedModel) end(p *upstream.Peer, took time.Duration) {
	m.conns[p]--
	ms := float64(took.Milliseconds())
	if m.average[p] == 0 {
		m.average[p] = ms
		return
	}
	m.average[p] = math.Floor((19*m.average[p]+ms)/20 + 0.5)
}
