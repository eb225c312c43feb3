package udp

import (
	"fmt"
	"runtime/debug"

	"weir/internal/errorlog"
)

// contain ends the session that the loop works for after a panic, and lets the loop continue. A
// panic without a session ends the process, because the state of the loop is unknown. It is
// deferred.
func (l *loop) contain() {
	c := l.current
	if c == nil {
		return
	}
	if reason := recover(); reason != nil {
		l.current = nil
		l.drop(c, reason)
	}
}

// drop ends a session after a panic. If that panics as well, its index and its sockets leak.
func (l *loop) drop(c *conn, reason any) {
	if l.conns[c.index] != c { // it had ended already
		l.logPanic(reason)
		return
	}
	defer func() {
		if again := recover(); again != nil {
			l.conns[c.index] = nil
			l.logPanic(again)
		}
	}()
	c.s.Panicked(reason)
	c.close()
}

func (l *loop) logPanic(reason any) {
	l.env.Log.Write(errorlog.Alert, 0, fmt.Sprintf("panic: %v %s", reason, debug.Stack()))
}
