package upstream

import (
	"time"

	"weir/stream"
)

// A Measure selects the time of an attempt that a method compares.
type Measure uint8

// The measures, with the names of nginx's variables.
const (
	noMeasure   Measure = iota
	ToConnect           // $upstream_connect_time
	ToFirstByte         // $upstream_first_byte_time
	ToLastByte          // $upstream_session_time
)

// of returns that time of t; negative if the attempt did not reach that point.
func (m Measure) of(t *stream.Try) time.Duration {
	switch m {
	case ToConnect:
		return t.Connect
	case ToFirstByte:
		return t.FirstByte
	case ToLastByte:
		return t.Total
	}
	return notReached
}

const notReached time.Duration = -1

// timed is a Method that compares times.
type timed interface {
	measure() Measure
	endMeasure() Measure
}

// NeedsFirstByte reports whether the group needs the Notice of a server's first byte.
func (g *Group) NeedsFirstByte() bool {
	if g.registry != nil {
		return true
	}
	m, ok := g.Method.(timed)
	return ok && m.measure() == ToFirstByte
}

// recordTime records the time of a session that did not fail, if the method uses it. The caller
// holds the group's mutex.
func (g *Group) recordTime(p *Peer, t *stream.Try) {
	if g.endMeasure != noMeasure && t != nil {
		p.state.times.record(g.endMeasure.of(t))
	}
}

// times are the times of a peer that least_time uses, in milliseconds.
type times struct {
	average    int64 // moving average; 0 without a value
	inflight   int64 // attempts whose time is not known yet
	startSum   int64 // the sum of their start times, in milliseconds
	ageAverage int64 // moving average of their mean age, updated at each choice
}

// record adds the time of an attempt to the average.
func (t *times) record(took time.Duration) {
	if took >= 0 {
		t.average = movingAverage(t.average, took.Milliseconds())
	}
}

// recordAge adds the mean age of the attempts in flight to their average.
func (t *times) recordAge(ms int64) {
	if t.inflight > 0 {
		t.ageAverage = movingAverage(t.ageAverage, ms-t.startSum/t.inflight)
	}
}

// movingAverage returns a moving average after one more value: the first one is the average, each
// further one has the weight 1/20.
func movingAverage(average, v int64) int64 {
	if average == 0 {
		return max(v, 0)
	}
	return (95*average + 5*max(v, 0) + 50) / 100
}

const (
	// slowestAverage is the average, in milliseconds, above which all peers count as equally slow.
	slowestAverage = 5000
	// cluster is the largest difference of averages that count as equal.
	cluster = 20
)

// expected returns how long the peer would take for its connections and one more. As in
// ngx_stream_upstream_least_time_eta, the average of a peer that no session chooses is halved each
// fail_timeout, so that a slow one gets another chance.
func (c *candidate) expected(now int64) uint64 {
	ms := c.state.times.average
	if idle := second(now) - c.state.checked; idle > c.pause {
		ms >>= min(uint64(idle/(c.pause+1)), 63)
	}
	if c.state.times.inflight > 0 {
		ms = max(ms, c.state.times.ageAverage)
	}
	if ms > slowestAverage {
		ms = slowestAverage
	} else {
		ms += cluster - ms%cluster
	}
	return uint64(ms) * uint64(1+*c.state.conns)
}
