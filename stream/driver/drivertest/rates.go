package drivertest

import (
	"time"

	"weir/internal/relay"
)

var rateTests = []driverTest{
	{"upload rate", func(r *rig) { limitedRate(r, true) }},
	{"download rate", func(r *rig) { limitedRate(r, false) }},
	{"upload pauses after each read", func(r *rig) { pausesAfterReads(r, true) }},
	{"download pauses after each read", func(r *rig) { pausesAfterReads(r, false) }},
}

// limitedRate sends a little more than the bytes of two seconds one way: that takes more than one whole
// second, at any offset within a second. The first share arrives in one read, so that the pause
// after it is longer than the timeout, which is suspended meanwhile. The other direction is not
// slowed: at the same rate it would take half a minute.
func limitedRate(r *rig, up bool) {
	const rate = 30_000
	from, to := startLimited(r, &relay.Spec{BufferSize: rate, Timeout: 900 * time.Millisecond}, rate, up)
	start := time.Now()
	concurrently(r,
		func() error { return unpaced.write(from, 1, 2*rate+1) },
		func() error { return unpaced.expect(to, 1, 2*rate+1) },
		func() error { return unpaced.write(to, 2, 30*rate) },
		func() error {
			err := unpaced.expect(from, 2, 30*rate)
			if took := time.Since(start); took > 20*time.Second {
				r.Errorf("the other direction took %v", took)
			}
			return err
		})
	if took := time.Since(start); took < time.Second || took > 20*time.Second {
		r.Errorf("took %v, want between 1 s and 20 s", took)
	}
}

// pausesAfterReads sends the bytes of one second, which the rate alone would allow at once, through a small
// buffer: after each read there is a pause in proportion to its bytes.
func pausesAfterReads(r *rig, up bool) {
	const rate, reads = 20_000, 5
	from, to := startLimited(r, &relay.Spec{BufferSize: rate / reads}, rate, up)
	start := time.Now()
	concurrently(r, func() error { return unpaced.write(from, 1, rate) }, func() error { return unpaced.expect(to, 1, rate) })
	if took, least := time.Since(start), time.Second*(reads-1)/reads; took < least-10*time.Millisecond || took > 20*time.Second {
		r.Errorf("took %v, want between %v and 20 s", took, least)
	}
}

// startLimited starts a session with a rate in one direction.
func startLimited(r *rig, s *relay.Spec, rate int64, up bool) (from, to duplex) {
	if up {
		s.Upload = rate
	} else {
		s.Download = rate
	}
	client, server := r.proxied(&Proxy{Spec: s}).pair()
	if up {
		return client, server
	}
	return server, client
}
