package relay

import "time"

// began is the system time at which the clock of Monotonic starts.
var began = time.Now()

// Monotonic returns t in nanoseconds since 1970, by a clock that equals the system clock when the
// process starts and is not affected by later changes to it. A time without a monotonic reading is
// used unchanged. It is safe for concurrent use.
func Monotonic(t time.Time) int64 { return began.UnixNano() + int64(t.Sub(began)) }
