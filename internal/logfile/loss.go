package logfile

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// A Loss reports that lines did not reach their log.
type Loss struct {
	Name  string // of the log
	Lines int
	Err   error // the last write error, often a *WriteError; nil means that the queue was full
}

// Error returns the message without the system's reason; Reason returns that reason.
func (l Loss) Error() string {
	if l.Err == nil {
		return fmt.Sprintf("log queue of \"%s\" is full", l.Name)
	}
	return l.Err.Error()
}

// Reason returns the system's reason for refusing a write. It is nil for an incomplete write, as in
// ngx_stream_log_write.
func (l Loss) Reason() error {
	var write *WriteError
	if errors.As(l.Err, &write) && write.Wrote == 0 {
		return write.Err
	}
	return nil
}

// A WriteError reports that a batch of lines was not written completely.
type WriteError struct {
	Path  string
	Wrote int // bytes
	Want  int
	Err   error
}

// Error returns nginx's sentence, without the system's reason.
func (e *WriteError) Error() string {
	if e.Wrote > 0 {
		return fmt.Sprintf("write() to \"%s\" was incomplete: %d of %d", e.Path, e.Wrote, e.Want)
	}
	return fmt.Sprintf("write() to \"%s\" failed", e.Path)
}

// Unwrap returns the system's reason.
func (e *WriteError) Unwrap() error { return e.Err }

// The minimum time between two reports of one log, and the delay of the report after the first line
// that found its queue full.
const (
	reportEvery = time.Minute
	reportDelay = time.Second
)

// A loss counts the lines that a queue has lost. The queue's mutex guards it.
type loss struct {
	report  func(Loss) // may be nil
	lines   int        // not finally reported
	err     error
	blocked bool // the queue was full at the last attempt
	refused int  // how often it was full
	repeat  bool // the last report may be lost in this queue: another one follows with the final number
	armed   bool // the timer is running
	timer   *time.Timer
	last    time.Time // of the last report
}

// OnLoss sets the function that is called when lines are lost: at most once a minute while the loss
// continues, and once when the queue has room again. report is called from its own goroutine.
func (q *Queue) OnLoss(report func(Loss)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.loss.report = report
}

// lose counts lost lines and schedules their report. Called with mu.
func (q *Queue) lose(lines int, err error) {
	q.loss.lines += lines
	q.loss.err = err
	wait := reportDelay
	if err != nil {
		wait = 0
	}
	if !q.loss.last.IsZero() {
		wait = max(wait, reportEvery-time.Since(q.loss.last))
	}
	q.reportIn(wait)
}

// reportIn starts the timer of the report, unless it is running. Called with mu.
func (q *Queue) reportIn(wait time.Duration) {
	if q.loss.armed || q.loss.report == nil {
		return
	}
	q.loss.armed = true
	if q.loss.timer == nil {
		q.loss.timer = time.AfterFunc(wait, q.reportLoss)
		return
	}
	q.loss.timer.Reset(wait)
}

// progress records that a batch is finished, so that there is room again. Called with mu.
func (q *Queue) progress() {
	q.loss.blocked = false
	if !q.loss.repeat {
		return
	}
	q.loss.repeat = false
	q.reportNow()
}

// reportNow makes the report without delay. Called with mu.
func (q *Queue) reportNow() {
	if q.loss.timer != nil && q.loss.timer.Stop() {
		q.loss.armed = false
	}
	q.reportIn(0)
}

// reportLoss reports the lines lost so far. If the queue is full, or becomes full, the next report counts
// them again, because this report may itself be lost in the error log.
func (q *Queue) reportLoss() {
	q.mu.Lock()
	l := Loss{Name: q.name, Lines: q.loss.lines, Err: q.loss.err}
	q.loss.armed = false
	report := q.loss.report
	if l.Lines == 0 || report == nil {
		q.mu.Unlock()
		return
	}
	blocked, before := q.loss.blocked, q.loss.refused
	q.loss.last, q.loss.repeat = time.Now(), blocked
	if !blocked {
		q.loss.lines = 0
	}
	q.mu.Unlock()
	report(l)
	q.mu.Lock()
	defer q.mu.Unlock()
	if !blocked && q.loss.refused > before {
		q.reportAgain(l.Lines)
	}
}

// reportAgain repeats a report that may be lost, once there is room. Called with mu.
func (q *Queue) reportAgain(lines int) {
	q.loss.lines += lines
	if q.loss.blocked {
		q.loss.repeat = true
		return
	}
	q.reportNow()
}

// countLines returns the number of newlines in p.
func countLines(p []byte) int { return bytes.Count(p, []byte{'\n'}) }
