package runtime

import (
	"context"
	"time"

	"weir/internal/errorlog"
)

const (
	// loopPatience is how long a change waits for the event loops. After that the call continues without
	// the master, which must handle signals.
	loopPatience = 5 * time.Second
	// noticePatience is how long running work gets to notice that its context has ended.
	noticePatience = 200 * time.Millisecond
)

// attempt runs f in its own goroutine and returns its result. If ctx ends first, attempt returns the
// error of ctx, and undo gets the result of f when f returns: f may hang in a system call.
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

// drive runs f, which calls the driver, after the calls given before. It waits until f has returned, so
// that a change is complete, but only for a limited time: an event loop that hangs must not keep the
// process from signals. While a call hangs, drive does not wait for later ones.
func (m *Master) drive(f func()) {
	hangs := !finished(m.driven)
	m.driven = m.orders.add(f)
	if hangs || m.await(m.signals.urgent, m.driven) || m.signals.urgent.Err() != nil {
		return
	}
	m.console.log(errorlog.Alert, "an event loop has not responded for %v, continuing without it", m.patience)
}

// await waits until done is closed, and reports whether it is. It waits at most m.patience, and stops
// when ctx ends.
func (m *Master) await(ctx context.Context, done <-chan struct{}) bool {
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

// finished reports whether done is closed. It returns true for nil, which means that nothing has begun.
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
