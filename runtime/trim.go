package runtime

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// restInterval is how often the process looks whether it has come to rest.
	restInterval = 3 * time.Second
	// restBytes is how little is allocated in that time at rest. Packets of sessions that are there allocate nothing.
	restBytes = 64 << 10
	// trimBytes is how much must have been allocated since the last time to make collecting it worth while.
	trimBytes = 1 << 20
	// trimSessions is how many sessions must have ended since the last time for the same, and at least one for trimShare that are left: the
	// buffers of sessions are freed without allocating.
	trimSessions = 64
	trimShare    = 16
	// largeBytes is what reading a configuration allocates when it has large tables. Most of it is garbage at once.
	largeBytes = 32 << 20
)

// trimAfter gives memory back if much of it has been allocated since before was, so that the text of a large table is not kept up to
// the next rest.
func trimAfter(before uint64) {
	if allocated()-before > largeBytes {
		debug.FreeOSMemory()
	}
}

// keepTrim gives memory back whenever sessions have come or gone and then no more do: the garbage of setting ten thousand idle
// sessions up, and the buffers of those that have gone, would otherwise stay until the next ones come. It returns when ctx ends.
func keepTrim(ctx context.Context, sessions *tally) {
	var t trimmer
	tick := time.NewTicker(restInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if t.due(lookAt(sessions)) {
				debug.FreeOSMemory()
				t.trimmed = lookAt(sessions)
			}
		}
	}
}

// A look is what has happened in the process so far.
type look struct {
	bytes uint64 // allocated
	begun uint64 // sessions
	ended uint64
}

func lookAt(sessions *tally) look {
	ended := sessions.ended.Load() // first: no more than have begun
	return look{allocated(), sessions.begun.Load(), ended}
}

// A trimmer decides when to trim.
type trimmer struct {
	seen    look // the last one
	trimmed look // when memory was last given back
}

// due reports whether the process is at rest and has something to give back.
func (t *trimmer) due(now look) bool {
	quiet := now.bytes-t.seen.bytes < restBytes && now.ended-t.seen.ended < trimSessions
	t.seen = now
	gone := now.ended - t.trimmed.ended
	worth := now.bytes-t.trimmed.bytes > trimBytes || gone >= max(trimSessions, (now.begun-now.ended)/trimShare)
	return quiet && worth
}

// allocated is how many bytes of heap the process has allocated since it started.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
