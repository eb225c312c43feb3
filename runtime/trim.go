package runtime

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// restInterval is how often to check whether the process is idle.
	restInterval = 3 * time.Second
	// restBytes is the limit of allocation during that time in an idle process. Packets of existing sessions
	// allocate nothing.
	restBytes = 64 << 10
	// trimBytes is the allocation since the last trim that makes a trim worthwhile.
	trimBytes = 1 << 20
	// trimSessions is the number of sessions ended since the last trim that makes a trim worthwhile; there
	// must also be at least one per trimShare remaining sessions. Freeing the buffers of sessions allocates
	// nothing.
	trimSessions = 64
	trimShare    = 16
	// largeBytes is the allocation of reading a configuration with large tables. Most of it is garbage at
	// once.
	largeBytes = 32 << 20
)

// trimAfter returns memory to the system if much has been allocated since before was read, so that the
// text of a large table is not kept until the process is idle.
func trimAfter(before uint64) {
	if allocated()-before > largeBytes {
		debug.FreeOSMemory()
	}
}

// runTrimmer returns memory to the system whenever sessions have begun or ended and the process is idle
// again: otherwise the garbage from setting up ten thousand idle sessions, and the buffers of ended
// sessions, would stay until new ones begin. It returns when ctx ends.
func runTrimmer(ctx context.Context, sessions *tally) {
	var t trimmer
	tick := time.NewTicker(restInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if t.due(takeSample(sessions)) {
				debug.FreeOSMemory()
				t.trimmed = takeSample(sessions)
			}
		}
	}
}

// A trimSample is a set of counters of the process.
type trimSample struct {
	bytes uint64 // allocated
	begun uint64 // sessions
	ended uint64
}

func takeSample(sessions *tally) trimSample {
	ended := sessions.ended.Load() // first, so that ended is not more than begun
	return trimSample{allocated(), sessions.begun.Load(), ended}
}

// A trimmer decides when to trim.
type trimmer struct {
	seen    trimSample // the last one
	trimmed trimSample // at the last trim
}

// due reports whether the process is idle and has memory to return.
func (t *trimmer) due(now trimSample) bool {
	quiet := now.bytes-t.seen.bytes < restBytes && now.ended-t.seen.ended < trimSessions
	t.seen = now
	gone := now.ended - t.trimmed.ended
	worth := now.bytes-t.trimmed.bytes > trimBytes || gone >= max(trimSessions, (now.begun-now.ended)/trimShare)
	return quiet && worth
}

// allocated returns the bytes of heap allocated since the process started.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
