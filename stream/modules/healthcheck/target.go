package healthcheck

import (
	"math"
	"time"

	"weir/stream/upstream"
)

// A target is a peer with the results of one check.
type target struct {
	check  *Check
	peer   *upstream.Peer
	health upstream.Health
	last   Verdict // of the last check
	streak int     // how many checks in succession have had it
	plan   plan

	at       time.Time // when the next check begins, or when the running one must end
	place    int       // in the queue
	running  *exchange // nil between checks
	isGone   bool      // the peer has left the group
	isUrgent bool      // no check has ended yet
}

// isSame reports whether p is the peer of t, perhaps with other parameters. Another address makes
// another server with the same ID.
func (t *target) isSame(p *upstream.Peer) bool {
	return t.peer.ID == p.ID && t.peer.Addr == p.Addr && t.peer.Server == p.Server
}

// note records the verdict of a check, and returns the result for the peer. Fails and passes count
// only against a result that is known: the first check ends the result Checking in any case.
func (t *target) note(v Verdict) upstream.Health {
	if v != t.last {
		t.last, t.streak = v, 0
	}
	t.streak++
	t.isUrgent = false
	switch {
	case v == Passed && (t.health < upstream.Draining || t.health == upstream.Checking || t.streak >= t.check.Passes):
		t.health = upstream.Healthy
	case v == Failed && (t.health == upstream.Checking || t.streak >= t.check.Fails):
		t.health = upstream.Unhealthy
	case v == Drain && (t.health == upstream.Checking || t.streak >= t.check.Fails):
		t.health = upstream.Draining
	}
	return t.health
}

// A plan is when a target is checked: at the first time, and then at each interval. The first
// intervals are shortened, never below a half, to spread the targets over the interval.
type plan struct {
	base      time.Time // of the last check, without jitter
	shortened int       // how many intervals are still shortened
	short     time.Duration
}

// newPlan returns the plan of the n-th target, whose first check is at start.
func newPlan(start time.Time, interval time.Duration, n int) plan {
	p := plan{base: start}
	switch share := phase(n); {
	case share == 0:
	case share >= 0.5:
		p.shortened, p.short = 1, time.Duration(share*float64(interval))
	default:
		p.shortened, p.short = 2, time.Duration((1+share)/2*float64(interval))
	}
	return p
}

// phase returns the place of the n-th target in the interval, from 0 to 1. The places of any number
// of targets are spread evenly: they are multiples of the golden ratio.
func phase(n int) float64 {
	_, share := math.Modf(float64(n) * (math.Sqrt(5) - 1) / 2)
	return share
}

// next returns when the next check begins, without jitter: not before now.
func (p *plan) next(now time.Time, interval time.Duration) time.Time {
	if p.shortened > 0 {
		p.shortened--
		interval = p.short
	}
	p.base = p.base.Add(interval)
	if p.base.Before(now) {
		p.base = now
	}
	return p.base
}
