package stream

import (
	"time"

	"weir/internal/errorlog"
)

// An Env is what sessions and parts may ask of the process that they run in. It is shared and does not change.
type Env struct {
	Now      func() time.Time // the clock
	NextID   func() uint64    // numbers connections: one counter for accepted and upstream connections, as in nginx
	Log      *errorlog.Log    // of the process, for what belongs to no server
	Hostname string           // in lower case
	PID      int

	Descriptors *Descriptors // what the drivers share; nil: no limit
}
