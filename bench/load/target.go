//go:build linux

package load

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"time"
)

// A Target is the destination of a test's load.
type Target struct {
	Addrs   []netip.AddrPort // of the proxy, or of the broker itself; used in turn
	Sources []netip.Addr     // the clients' own addresses, used in turn; empty leaves the choice to the system
	Meter   Meter            // nil disables measurement
	TLS     *tls.Config      // nil means no TLS; clients resume if it has a session cache and a ServerName
}

// A Meter is called when the measured part of a test begins and ends. Sessions that a test needs
// first are opened before Begin, and closed after End.
type Meter interface {
	Begin() error
	End() error
}

// A Result is the work that a test did between Begin and End.
type Result struct {
	Ops     float64       // sessions, round trips, messages or GiB: the test's own unit
	Elapsed time.Duration // from Begin to End
	Latency *Histogram    // nil for tests without a latency
}

// Add adds the result of another run of the same test.
func (r *Result) Add(other Result) {
	r.Ops += other.Ops
	r.Elapsed += other.Elapsed
	if r.Latency == nil {
		r.Latency = other.Latency
	} else if other.Latency != nil {
		r.Latency.Merge(other.Latency)
	}
}

// A span is the measured part of a test.
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
