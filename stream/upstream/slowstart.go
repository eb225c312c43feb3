package upstream

// slowStart is how far the weight of a peer has recovered. It begins when a session connects to a
// peer that has been out of use, and is counted from the choice of that session. Its times are in
// milliseconds.
type slowStart struct {
	since  int64 // 0 means not in slow start
	probed int64 // when the peer was chosen after a pause
}

func (r *slowStart) start() { r.since = r.probed }

// fullShare is 100 %, the share of a peer with its full weight.
const fullShare = 100

// share returns how many hundredths of its weight the peer has: it grows from 0 to fullShare
// during slow_start, and is fullShare afterwards.
func (c *candidate) share(now int64) int64 {
	if c.state.slowStart.since == 0 {
		return fullShare
	}
	return c.recovered(now)
}

func (c *candidate) recovered(now int64) int64 {
	share := (now - c.state.slowStart.since) * fullShare / max(c.slowStart, 1)
	if share >= fullShare {
		c.state.slowStart.since = 0
		return fullShare
	}
	return max(share, 0)
}
