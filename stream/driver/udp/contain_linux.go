package udp

import (
	"fmt"
	"runtime/debug"

	"weir/internal/errorlog"
)

// contain ends the session that the loop works for when a panic has come up, and lets the loop continue. A panic without a session ends
// the process: nobody knows what it has left undone. It is deferred.
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

// drop ends a session after a panic. Its place and its sockets are lost if that panics as well.
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
