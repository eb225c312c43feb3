package poll

import (
	"time"

	"weir/internal/errorlog"
)

// A LimitedLog writes at most one line per second, for conditions that repeat with every event. The
// zero LimitedLog is ready.
type LimitedLog struct{ last time.Time }

// Write logs the message unless less than a second has passed since the last one.
func (l *LimitedLog) Write(log *errorlog.Log, now time.Time, level errorlog.Level, msg string) {
	if now.Sub(l.last) < time.Second {
		return
	}
	l.last = now
	log.Write(level, 0, msg)
}
