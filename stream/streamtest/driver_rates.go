package streamtest

import (
	"time"

	"weir/stream/relay"
)

var rateTests = []driverTest{
	{"upload rate", func(r *rig) { limited(r, true) }},
	{"download rate", func(r *rig) { limited(r, false) }},
}

// limited sends a little more than two seconds' share one way: that takes more than one whole second, however the seconds lie. The
// first share comes in one read, so that the pause after it is longer than the time-out, which does not count meanwhile. The other
// direction is not slowed.
func limited(r *rig, up bool) {
	const rate = 30_000
	s := &relay.Spec{BufferSize: rate, Timeout: 300 * time.Millisecond}
	if up {
		s.Upload = rate
	} else {
		s.Download = rate
	}
	client, server := r.proxied(&Proxy{Spec: s}).pair()
	from, to := server, client
	if up {
		from, to = client, server
	}
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
