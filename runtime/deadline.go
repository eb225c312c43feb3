package runtime

import (
	"os"
	"sync"
	"time"

	"weir/internal/errorlog"
)

const (
	// endPatience is how long an orderly end may take after TERM or INT. nginx's master kills its workers after a second.
	endPatience = 900 * time.Millisecond
	// The parts of it that the steps of an orderly end get, in their order. Together they are less than endPatience.
	sessionsPatience = 500 * time.Millisecond
	runnersPatience  = 100 * time.Millisecond
	logsPatience     = 200 * time.Millisecond
	// unlinkPatience is how long the removal of the pid file may take when the deadline has passed.
	unlinkPatience = 50 * time.Millisecond
)

// A deadline ends the process when an orderly end takes too long: an event loop, a log, a disk or a name server may hang. It is safe for
// concurrent use.
type deadline struct {
	log  *currentLog
	pid  *pidFile
	out  *outlets
	exit func(code int) // os.Exit
	most time.Duration  // how long an orderly end may take

	mu    sync.Mutex
	timer *time.Timer // nil: not armed
}

func newDeadline(log *currentLog, pid *pidFile, out *outlets) *deadline {
	return &deadline{log: log, pid: pid, out: out, exit: os.Exit, most: endPatience}
}

// arm begins to count, unless that has begun.
func (d *deadline) arm() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer == nil {
		d.timer = time.AfterFunc(d.most, d.pass)
	}
}

// pass ends the process. Neither the log nor the file system may keep it from that.
func (d *deadline) pass() {
	within(unlinkPatience, func() {
		d.pid.remove()
		d.log.say(errorlog.Alert, "exiting although not everything has ended in "+d.most.String())
		d.out.wait(unlinkPatience)
	})
	d.exit(exitOK)
}

// within runs f in a goroutine of its own and waits until it returns, but no longer than limit. It reports whether f has returned.
func within(limit time.Duration, f func()) bool {
	return ended(limit, run(f))
}

// run runs f in a goroutine of its own, and closes done when it returns.
func run(f func()) (done <-chan struct{}) {
	c := make(chan struct{})
	go func() {
		defer close(c)
		f()
	}()
	return c
}

// ended waits until done is closed, but no longer than limit, and reports whether it is.
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
