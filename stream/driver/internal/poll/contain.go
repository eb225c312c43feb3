package poll

import (
	"fmt"
	"runtime/debug"

	"weir/internal/errorlog"
)

// A Worker is a loop whose panics Contain recovers.
type Worker interface {
	// Working reports whether the loop works for a connection.
	Working() bool
	// EndCurrent ends that connection and its session after a panic. It reports false if the
	// connection has ended already.
	EndCurrent(reason any) bool
	// LeakCurrent removes that connection without releasing its resources.
	LeakCurrent()
	// Pause makes the loop work for no connection.
	Pause()
	// Log returns the log for panics without a session.
	Log() *errorlog.Log
}

// Contain ends the session that the loop works for after a panic, and lets the loop continue. A
// panic without a session ends the process, because the state of the loop is unknown. Contain must
// be deferred directly.
func Contain(l Worker) {
	if !l.Working() {
		return
	}
	if reason := recover(); reason != nil {
		drop(l, reason)
		l.Pause()
	}
}

// drop ends a session after a panic. If that panics as well, its index and its sockets leak.
func drop(l Worker, reason any) {
	defer func() {
		if again := recover(); again != nil {
			l.LeakCurrent()
			logPanic(l, again)
		}
	}()
	if !l.EndCurrent(reason) {
		logPanic(l, reason)
	}
}

func logPanic(l Worker, reason any) {
	l.Log().Write(errorlog.Alert, 0, fmt.Sprintf("panic: %v %s", reason, debug.Stack()))
}
