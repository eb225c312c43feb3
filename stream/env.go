package stream

import (
	"time"

	"weir/internal/errorlog"
	"weir/stream/status"
)

// An Env is the environment that a process provides to sessions and parts. It is shared and does
// not change.
type Env struct {
	Now      func() time.Time // the clock
	NextID   func() uint64    // numbers connections: one counter for accepted and upstream connections, as in nginx
	Log      *errorlog.Log    // of the process, for messages that belong to no server
	Hostname string           // in lower case
	PID      int
	Loop     uint8           // the number of the driver's loop, which selects the shards of counters
	Status   *status.Process // nil counts nothing

	Descriptors *Descriptors // shared by the drivers; nil sets no limit

	// Abort ends the matching sessions of all drivers, as Driver.Abort does. It returns at once. nil ends
	// none.
	Abort func(match func(*Session) bool, b *Budget)

	// OwnsState reports whether the process may write state files: another one may use them too. nil means
	// always. Safe for concurrent use.
	OwnsState func() bool
}
