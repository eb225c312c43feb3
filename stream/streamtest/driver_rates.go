package streamtest

import (
	"time"

	"weir/internal/relay"
)

var rateTests = []driverTest{
	{"upload rate", func(r *rig) { limited(r, true) }},
	{"download rate", func(r *rig) { limited(r, false) }},
	{"upload reads are paid for", func(r *rig) { paid(r, true) }},
	{"download reads are paid for", func(r *rig) { paid(r, false) }},
}

// limited sends a little more than two seconds' share one way: that takes more than one whole second, however the seconds lie. The
// first share comes in one read, so that the pause after it is longer than the time-out, which does not count meanwhile. The other
// direction is not slowed.
func limited(r *rig, up bool) {
	const rate = 30_000
	from, to := rated(r, &relay.Spec{BufferSize: rate, Timeout: 300 * time.Millisecond}, rate, up)
	start := time.Now()
	together(r,
		func() error { return brisk.write(from, 1, 2*rate+1) },
		func() error { return brisk.expect(to, 1, 2*rate+1) },
		func() error { return brisk.write(to, 2, 10*rate) },
		func() error {
			err := brisk.expect(from, 2, 10*rate)
			if took := time.Since(start); took > time.Second {
				r.Errorf("the other direction took %v", took)
			}
			return err
		})
	if took := time.Since(start); took < time.Second || took > 5*time.Second {
		r.Errorf("took %v, want between 1 s and 5 s", took)
	}
}

// paid sends one second's share, which may go at once as far as the rate alone is concerned, through a small buffer: after each read
// there is a pause of the time that its bytes take.
func paid(r *rig, up bool) {
	const rate, reads = 20_000, 5
	from, to := rated(r, &relay.Spec{BufferSize: rate / reads}, rate, up)
	start := time.Now()
	together(r, func() error { return brisk.write(from, 1, rate) }, func() error { return brisk.expect(to, 1, rate) })
	if took, least := time.Since(start), time.Second*(reads-1)/reads; took < least-10*time.Millisecond || took > 5*time.Second {
		r.Errorf("took %v, want between %v and 5 s", took, least)
	}
}

// rated is a session with a rate from one end to the other.
func rated(r *rig, s *relay.Spec, rate int64, up bool) (from, to duplex) {
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
