package logfile

import (
	"errors"
	"sync/atomic"
	"syscall"
	"time"
)

// A Gate keeps a failing log from being tried and complained of too often, as ngx_stream_log_write does: after a full disk nothing is
// tried for the rest of the second, and a failure is reported at most once a minute. The zero Gate is open. It is safe for
// concurrent use.
type Gate struct {
	full     atomic.Int64 // the second in which the disk was found full
	reported atomic.Int64 // the second of the last report
}

// reportEvery is how many seconds must lie between two reports.
const reportEvery = 60

// Shut reports whether writing is to be skipped at that time.
func (g *Gate) Shut(now time.Time) bool { return g.full.Load() == now.Unix() }

// Failed notes that a write has failed with err, and reports whether that is to be reported.
func (g *Gate) Failed(now time.Time, err error) bool {
	second := now.Unix()
	if errors.Is(err, syscall.ENOSPC) {
		g.full.Store(second)
	}
	last := g.reported.Load()
	return second-last >= reportEvery && g.reported.CompareAndSwap(last, second)
}
