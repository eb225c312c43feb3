package upstream

import (
	"math/rand/v2"

	"weir/stream"
)

// Random chooses at random, in proportion to the weights (ngx_stream_upstream_random_module.c).
var Random Method = random{}

// RandomTwo chooses two peers at random and uses the one with fewer connections for its weight:
// `random two least_conn`.
var RandomTwo Method = random{two: true}

// RandomTwoTimed is RandomTwo for the peer with the earliest expected completion, as LeastTime
// without inflight: `random two least_time`.
func RandomTwoTimed(by Measure) Method { return random{two: true, by: by} }

type random struct {
	two bool
	by  Measure // zero compares connections
}

func (m random) measure() Measure { return m.by }

func (m random) endMeasure() Measure { return m.by }

func (m random) Begin(s *stream.Session, g *Group) Picker {
	return &randomPicker{picker: newPicker(s, g), random: m}
}

type randomPicker struct {
	picker
	random
	misses uint8
}

func (p *randomPicker) Pick() (*Peer, error) {
	now := p.now()
	p.set.group.mu.Lock()
	defer p.set.group.mu.Unlock()
	p.update()
	i := p.draw(none, now)
	if i != none && p.two {
		i = p.lessLoaded(i, now)
	}
	if i == none {
		return p.roundRobin(now)
	}
	return p.take(i, now)
}

// lessLoaded draws another peer and returns the less loaded of both; on ties the second, as nginx
// does. The first draw counts as a miss, and without a second peer there is no choice.
func (p *randomPicker) lessLoaded(first int, now int64) int {
	p.misses++
	second := p.draw(first, now)
	if second == none {
		return none
	}
	least := newLeastLoad()
	for _, i := range [...]int{second, first} {
		c := &p.list().candidates[i]
		least.add(i, p.load(c, now), c.presentWeight(now))
	}
	return least.best
}

func (p *randomPicker) load(c *candidate, now int64) uint64 {
	if p.by == noMeasure {
		return c.load()
	}
	return c.expected(now)
}

// draw returns a random usable peer other than except, or none if the session has missed too often.
func (p *randomPicker) draw(except int, now int64) int {
	l := p.list()
	if l.weight == 0 {
		return none
	}
	for ; p.misses <= maxTries; p.misses++ {
		if i := l.at(rand.Int64N(l.weight)); i != except && p.available(i, now) != nil {
			return i
		}
	}
	return none
}
