package runtime

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"weir/internal/errorlog"
	"weir/internal/logfile"
)

// sysError is a failed system call in nginx's words, such as
// `bind() to 127.0.0.1:1883 failed (98: Address already in use)`.
type sysError struct {
	what string
	err  error
}

func (e *sysError) Error() string { return e.what + " failed" + errorlog.Errno(e.err) }
func (e *sysError) Unwrap() error { return e.err }

// openError returns the failure to open a file in nginx's words.
func openError(err error) error {
	var at *fs.PathError
	if !errors.As(err, &at) {
		return err
	}
	return &sysError{fmt.Sprintf("open() \"%s\"", at.Path), at.Err}
}

// openLogs opens every log file of a configuration.
func openLogs(set *logfile.Set, open logfile.Opener) error {
	if err := set.Open(open); err != nil {
		return openError(err)
	}
	return nil
}

// reopenLogs opens the paths of every log file again. It reports a file that cannot be opened, and keeps
// the old one open.
func reopenLogs(set *logfile.Set, c *console) {
	set.Reopen(func(_ string, err error) { c.log(errorlog.Emerg, "%v", openError(err)) })
}

// writeLoss reports to l that a log lost lines.
func writeLoss(l *errorlog.Log, lost logfile.Loss) {
	l.Write(errorlog.Alert, 0, fmt.Sprintf("%v%s, lines lost: %d", lost, errorlog.Errno(lost.Reason()), lost.Lines))
}

// How long the process waits at its end for the logs to write the last lines: a server, and a command.
const (
	exitTimeout    = 400 * time.Millisecond
	commandTimeout = 5 * time.Second
)

// outlets are standard error and the log files of a process, which may have lines to write at its end. It
// is safe for concurrent use; a nil outlets is empty.
type outlets struct {
	stderr *logfile.Queue

	mu   sync.Mutex
	sets []*logfile.Set
}

func newOutlets(stderr io.Writer) *outlets {
	return &outlets{stderr: logfile.NewWriter("stderr", stderr)}
}

// reportTo makes l report the lines that standard error has lost.
func (o *outlets) reportTo(l *currentLog) {
	if o != nil {
		o.stderr.OnLoss(func(lost logfile.Loss) { writeLoss(l.Load(), lost) })
	}
}

// add adds set to the files that wait waits for.
func (o *outlets) add(set *logfile.Set) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sets = append(slices.DeleteFunc(o.sets, (*logfile.Set).Closed), set)
}

// wait starts writing all lines queued so far and waits for that, but no longer than most.
func (o *outlets) wait(most time.Duration) {
	if o == nil {
		return
	}
	end := time.Now().Add(most)
	o.stderr.Flush()
	sets := o.flush()
	for _, set := range sets {
		set.Wait(time.Until(end))
	}
	o.stderr.Wait(time.Until(end))
}

// waitStderr waits until standard error has taken the lines queued so far, but no longer than most.
func (o *outlets) waitStderr(most time.Duration) {
	if o != nil {
		o.stderr.Wait(most)
	}
}

// flush starts writing the lines of all files, and returns the sets of the files.
func (o *outlets) flush() []*logfile.Set {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, set := range o.sets {
		set.Flush()
	}
	return slices.Clone(o.sets)
}

// writer returns standard error as a writer that never blocks.
func (o *outlets) writer() io.Writer {
	if o == nil {
		return os.Stderr
	}
	return o.stderr
}

// A follower forwards lines to the main error log of the current configuration, for users that outlive
// configurations.
type follower func() *errorlog.Log

// followingLog returns a log that writes to the log that current returns.
func followingLog(pid int, current func() *errorlog.Log) *errorlog.Log {
	l := errorlog.New(time.Now, pid)
	l.Add(errorlog.Debug, follower(current))
	return l
}

// WriteLine writes line to the current log.
func (f follower) WriteLine(level errorlog.Level, line []byte) { f().WriteLine(level, line) }
