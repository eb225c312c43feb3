package upstream

// A contest finds the peer with the least load for its weight: the first of the least, and whether there are equals.
type contest struct {
	best   int // its place, or none
	equals bool
	load   uint64
	weight uint64
}

func newContest() contest { return contest{best: none} }

func (c *contest) enter(i int, p *Peer, load uint64) {
	order := -1
	if c.best != none {
		order = c.compare(p, load)
	}
	switch {
	case order < 0:
		*c = contest{best: i, load: load, weight: uint64(p.Weight)}
	case order == 0:
		c.equals = true
	}
}

// compare compares a peer with the best one, without dividing: negative if it has less load for its weight.
func (c *contest) compare(p *Peer, load uint64) int {
	a, b := load*c.weight, c.load*uint64(p.Weight)
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
