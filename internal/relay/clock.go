package relay

import "time"

// began is where the clock of Monotonic stands on the system's.
var began = time.Now()

// Monotonic is t in nanoseconds since 1970, by a clock that is the system's when the process starts and that nobody sets. A time without
// a monotonic reading is taken as it is. It is safe for concurrent use.
func Monotonic(t time.Time) int64 { return began.UnixNano() + int64(t.Sub(began)) }
