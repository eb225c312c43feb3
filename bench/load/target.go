//go:build linux

package load

import (
	"errors"
	"net/netip"
	"time"
)

// A Target is what a test puts its load on.
type Target struct {
	Addrs   []netip.AddrPort // of the proxy, or of the broker itself; used in turn
	Sources []netip.Addr     // the clients' own addresses, used in turn; none: the system's choice
	Meter   Meter            // nil: nobody measures
}

// A Meter is told when the part of a test begins and ends that counts. Sessions that a test needs first are opened before Begin, and closed after End.
type Meter interface {
	Begin() error
	End() error
}

// A Result is what a test did between Begin and End.
type Result struct {
	Ops     float64       // sessions, round trips, messages, GiB: the test's own unit
	Elapsed time.Duration // from Begin to End
	Latency *Histogram    // nil for tests that have none
}

// Add adds what another run of the same test did.
func (r *Result) Add(other Result) {
	r.Ops += other.Ops
	r.Elapsed += other.Elapsed
	if r.Latency == nil {
		r.Latency = other.Latency
	} else if other.Latency != nil {
		r.Latency.Merge(other.Latency)
	}
}

// A span is the part of a test that counts.
type span struct {
	meter Meter
	begin time.Time
}

func (t *Target) begin() (*span, error) {
	if t.Meter != nil {
		if err := t.Meter.Begin(); err != nil {
			return nil, err
		}
	}
	return &span{meter: t.Meter, begin: time.Now()}, nil
}

func (s *span) end(ops float64, latency *Histogram) (Result, error) {
	r := Result{Ops: ops, Elapsed: time.Since(s.begin), Latency: latency}
	if s.meter == nil {
		return r, nil
	}
	return r, s.meter.End()
}

var (
	errClosed = errors.New("the proxy or the broker closed the connection")
	errAnswer = errors.New("the answer is not the expected one")
)
