package runtime

import (
	"context"
	"time"

	"weir/internal/errorlog"
)

const (
	// loopPatience is how long a change waits for the event loops. What takes longer goes on without the
	// master, which has signals to obey.
	loopPatience = 5 * time.Second
	// noticePatience is how long what is under way gets to notice that its context has ended.
	noticePatience = 200 * time.Millisecond
)

// attempt runs f in a goroutine of its own and returns its result. When ctx has ended, the error is its reason, and undo gets the result
// of f, later if f does not return in time: it may hang in a system call.
func attempt[T any](ctx context.Context, f func() T, undo func(T)) (result T, err error) {
	if err := ctx.Err(); err != nil {
		return result, err
	}
	var r T
	done := run(func() { r = f() })
	select {
	case <-done:
	case <-ctx.Done():
		if !ended(noticePatience, done) {
			go func() {
				<-done
				undo(r)
			}()
			return result, ctx.Err()
		}
	}
	if err := ctx.Err(); err != nil {
		undo(r)
		return result, err
	}
	return r, nil
}

// drive runs f, which calls the driver, after what was given before. It waits until f has returned, so that a change is complete, but
// not for ever: an event loop that hangs must not keep the process from signals. While a call hangs, later ones are not waited for.
func (m *Master) drive(f func()) {
	hangs := !finished(m.driven)
	m.driven = m.orders.give(f)
	if hangs || m.await(m.driven, m.signals.urgent) || m.signals.urgent.Err() != nil {
		return
	}
	m.console.log(errorlog.Alert, "an event loop has not answered for %v, continuing without it", m.patience)
}

// await waits until done is closed, and reports whether it is. It waits no longer than m.patience, and not after ctx has ended.
func (m *Master) await(done <-chan struct{}, ctx context.Context) bool {
	t := time.NewTimer(m.patience)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	case <-ctx.Done():
		return finished(done)
	}
}

// finished reports whether done is closed, or nil: nothing has begun.
func finished(done <-chan struct{}) bool {
	if done == nil {
		return true
	}
	select {
	case <-done:
		return true
	default:
		return false
	}
}
