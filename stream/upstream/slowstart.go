package upstream

import "time"

// slowStart is how far the weight of a peer has recovered. It begins when a session connects to a
// peer that has been out of use, and is counted from the choice of that session. Its times are in
// milliseconds.
type slowStart struct {
	since  int64 // 0 means not in slow start
	probed int64 // when the peer was chosen after a pause
}

func (r *slowStart) start() { r.since = r.probed }

// whole is 100 %, the share of a peer with its full weight.
const whole = 100

// share returns how many hundredths of its weight the peer has: it grows from 0 to whole during
// slow_start, and is whole afterwards.
func (p *Peer) share(now int64) int64 {
	if p.live.ramp.since == 0 {
		return whole
	}
	return p.recovered(now)
}

func (p *Peer) recovered(now int64) int64 {
	share := (now - p.live.ramp.since) * whole / max(int64(p.SlowStart/time.Millisecond), 1)
	if share >= whole {
		p.live.ramp.since = 0
		return whole
	}
	return max(share, 0)
}
