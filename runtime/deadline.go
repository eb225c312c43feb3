package runtime

import (
	"os"
	"sync"
	"time"

	"weir/internal/errorlog"
)

const (
	// endPatience limits an orderly end after TERM or INT. nginx's master kills its workers after a second.
	endPatience = 900 * time.Millisecond
	// The limits of the steps of an orderly end, in their order. Their sum is less than endPatience.
	sessionsPatience = 500 * time.Millisecond
	runnersPatience  = 100 * time.Millisecond
	logsPatience     = 200 * time.Millisecond
	// unlinkPatience limits the removal of the pid file after the deadline has passed.
	unlinkPatience = 50 * time.Millisecond
)

// A deadline ends the process if an orderly end takes too long: an event loop, a log, a disk or a name
// server may hang. It is safe for concurrent use.
type deadline struct {
	log  *currentLog
	pid  *pidFile
	out  *outlets
	exit func(code int) // os.Exit
	most time.Duration  // the limit of an orderly end

	mu    sync.Mutex
	timer *time.Timer // nil before arm
}

func newDeadline(log *currentLog, pid *pidFile, out *outlets) *deadline {
	return &deadline{log: log, pid: pid, out: out, exit: os.Exit, most: endPatience}
}

// arm starts the timer, if it does not run yet.
func (d *deadline) arm() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer == nil {
		d.timer = time.AfterFunc(d.most, d.pass)
	}
}

// pass ends the process. It does so even if the log or the file system hangs.
func (d *deadline) pass() {
	within(unlinkPatience, func() {
		d.pid.remove()
		d.log.write(errorlog.Alert, "exiting: some tasks have not ended within "+d.most.String())
		d.out.wait(unlinkPatience)
	})
	d.exit(exitOK)
}

// within runs f in its own goroutine and waits until it returns, at most for limit.
func within(limit time.Duration, f func()) { ended(limit, run(f)) }

// run runs f in its own goroutine, and closes done when f returns.
func run(f func()) (done <-chan struct{}) {
	c := make(chan struct{})
	go func() {
		defer close(c)
		f()
	}()
	return c
}

// ended waits until done is closed, at most for limit, and reports whether it is.
func ended(limit time.Duration, done <-chan struct{}) bool {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}
