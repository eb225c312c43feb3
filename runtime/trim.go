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
// sessions up would otherwise stay until the next ones come. It returns when ctx ends.
func keepTrim(ctx context.Context) {
	var t trimmer
	tick := time.NewTicker(restInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if t.due(allocated()) {
				debug.FreeOSMemory()
				t.trimmed = allocated()
			}
		}
	}
}

// A trimmer decides when to trim, from how much has been allocated so far.
type trimmer struct {
	seen    uint64 // at the last look
	trimmed uint64 // when memory was last given back
}

// due reports whether the process is at rest and has something to give back.
func (t *trimmer) due(total uint64) bool {
	quiet := total-t.seen < restBytes
	t.seen = total
	return quiet && total-t.trimmed > trimBytes
}

// allocated is how many bytes of heap the process has allocated since it started.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
