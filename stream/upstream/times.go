package upstream

import (
	"time"

	"weir/stream"
)

// A Measure is the time of an attempt that a method goes by.
type Measure uint8

// The measures, by the names that nginx's configuration has for them.
const (
	nothing     Measure = iota
	ToConnect           // $upstream_connect_time
	ToFirstByte         // $upstream_first_byte_time
	ToLastByte          // $upstream_session_time
)

// of is that time of t; negative when it did not come to that.
func (m Measure) of(t *stream.Try) time.Duration {
	switch m {
	case ToConnect:
		return t.Connect
	case ToFirstByte:
		return t.FirstByte
	case ToLastByte:
		return t.Total
	}
	return never
}

const never time.Duration = -1

// A timed is a Method that goes by times.
type timed interface {
	measure() Measure
	atEnd() Measure
}

// NeedsFirstByte reports whether the group must be told of a server's first byte.
func (g *Group) NeedsFirstByte() bool {
	m, ok := g.Method.(timed)
	return ok && m.measure() == ToFirstByte
}

// learn takes the times of a session that has not failed, as far as the method goes by them. It needs the group's mutex.
func (g *Group) learn(p *Peer, t *stream.Try) {
	if g.learns != nothing && t != nil {
		p.live.times.learn(g.learns.of(t))
	}
}

// times are what least_time knows of a peer, in milliseconds.
type times struct {
	average int64 // moving average; 0: none yet
	flights int64 // attempts whose time is not known yet
	starts  int64 // the sum of their beginnings, in milliseconds
	waiting int64 // moving average of their mean age, as it was found at each choice
}

// learn takes the time of an attempt into the average.
func (t *times) learn(took time.Duration) {
	if took >= 0 {
		t.average = moved(t.average, took.Milliseconds())
	}
}

// age takes the mean age of the flights into theirs.
func (t *times) age(ms int64) {
	if t.flights > 0 {
		t.waiting = moved(t.waiting, ms-t.starts/t.flights)
	}
}

// moved is a moving average after one more value: the first one as it is, each further one counts for a twentieth.
func moved(average, v int64) int64 {
	if average == 0 {
		return max(v, 0)
	}
	return (95*average + 5*max(v, 0) + 50) / 100
}

const (
	// slowest is the average, in milliseconds, beyond which all peers are equally slow.
	slowest = 5000
	// cluster is how far averages may differ that count as one.
	cluster = 20
)

// expected is how long the peer would take for the connections that it has and one more. As in ngx_stream_upstream_least_time_eta:
// the average of a peer that nobody has chosen is halved each fail_timeout, so that a slow one gets another chance.
func (p *Peer) expected(now int64) uint64 {
	ms := p.live.times.average
	if idle := second(now) - p.live.checked; idle > p.pause() {
		ms >>= min(uint64(idle/(p.pause()+1)), 63)
	}
	if p.live.times.flights > 0 {
		ms = max(ms, p.live.times.waiting)
	}
	if ms > slowest {
		ms = slowest
	} else {
		ms += cluster - ms%cluster
	}
	return uint64(ms) * uint64(1+*p.conns)
}
