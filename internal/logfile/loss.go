package logfile

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// A Loss says that lines did not reach their log.
type Loss struct {
	Name  string // of the log
	Lines int
	Err   error // why the last of them could not be written, often a *WriteError; nil: the queue was full
}

// Error is a sentence without the system's reason, and Reason that reason.
func (l Loss) Error() string {
	if l.Err == nil {
		return fmt.Sprintf("log queue of \"%s\" is full", l.Name)
	}
	return l.Err.Error()
}

// Reason is why the system refused to write. As in ngx_stream_log_write there is none for a write that was incomplete; nil: none.
func (l Loss) Reason() error {
	var write *WriteError
	if errors.As(l.Err, &write) && write.Wrote == 0 {
		return write.Err
	}
	return nil
}

// A WriteError says that a batch of lines was not written, or not all of it.
type WriteError struct {
	Path  string
	Wrote int // bytes
	Want  int
	Err   error
}

// Error is nginx's sentence, without the system's reason.
func (e *WriteError) Error() string {
	if e.Wrote > 0 {
		return fmt.Sprintf("write() to \"%s\" was incomplete: %d of %d", e.Path, e.Wrote, e.Want)
	}
	return fmt.Sprintf("write() to \"%s\" failed", e.Path)
}

// Unwrap returns the system's reason.
func (e *WriteError) Unwrap() error { return e.Err }

// The times between two reports of one log, and from the first line that found its queue full to a report.
const (
	reportEvery = time.Minute
	reportDelay = time.Second
)

// A loss counts the lines that a queue has lost. It is guarded by the queue's mutex.
type loss struct {
	report  func(Loss) // nil: nobody is interested
	lines   int        // not reported for good
	err     error
	blocked bool // the queue was full when it was last tried
	repeat  bool // the last report was made while blocked: there will be another one, with the final number
	armed   bool // timer runs
	timer   *time.Timer
	last    time.Time // of the last report
}

// OnLoss registers who is told that lines were lost, at most once a minute while that lasts and once when the queue has room
// again. report is called by a goroutine of its own.
func (q *Queue) OnLoss(report func(Loss)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.loss.report = report
}

// lose counts lines, and has them reported in time. Called with mu.
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

// reportIn makes the timer report, unless it runs. Called with mu.
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

// progress notes that a batch is done with, so that there is room again. Called with mu.
func (q *Queue) progress() {
	q.loss.blocked = false
	if !q.loss.repeat {
		return
	}
	q.loss.repeat = false
	if q.loss.timer != nil && q.loss.timer.Stop() {
		q.loss.armed = false
	}
	q.reportIn(0)
}

// reportLoss tells of the lines lost so far. They count again in the next report if the queue is full, since the log of errors may be
// the one that does not take this report.
func (q *Queue) reportLoss() {
	q.mu.Lock()
	l := Loss{Name: q.name, Lines: q.loss.lines, Err: q.loss.err}
	q.loss.armed = false
	report := q.loss.report
	if l.Lines == 0 || report == nil {
		q.mu.Unlock()
		return
	}
	q.loss.last = time.Now()
	q.loss.repeat = q.loss.blocked
	if !q.loss.blocked {
		q.loss.lines = 0
	}
	q.mu.Unlock()
	report(l)
}

// countLines is the number of newlines in p.
func countLines(p []byte) int { return bytes.Count(p, []byte{'\n'}) }
