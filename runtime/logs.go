package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"weir/stream/errorlog"
	"weir/stream/logfile"
)

// sysError is a system call that failed, as nginx words it: `bind() to 127.0.0.1:1883 failed (98: Address already in use)`.
type sysError struct {
	what string
	err  error
}

func (e *sysError) Error() string { return e.what + " failed" + errorlog.Errno(e.err) }
func (e *sysError) Unwrap() error { return e.err }

// openError words the failure to open a file.
func openError(err error) error {
	var at *fs.PathError
	if !errors.As(err, &at) {
		return err
	}
	return &sysError{fmt.Sprintf("open() \"%s\"", at.Path), at.Err}
}

// openLogs opens every log file of a configuration.
func openLogs(set *logfile.Set) error {
	if err := set.Open(logfile.OpenAppend); err != nil {
		return openError(err)
	}
	return nil
}

// reopenLogs opens the paths of every log file anew. A file that can not be opened stays as it was, with a message.
func reopenLogs(set *logfile.Set, c *console) {
	set.Reopen(func(_ string, err error) { c.say(errorlog.Emerg, "%v", openError(err)) })
}

// A follower passes on lines to the main error log of the current configuration, for those who outlive configurations.
type follower func() *errorlog.Log

// followingLog returns a log that writes to whichever log current returns.
func followingLog(pid int, current func() *errorlog.Log) *errorlog.Log {
	l := errorlog.New(time.Now, pid)
	l.Add(errorlog.Debug, follower(current))
	return l
}

// WriteLine lets the current log write line.
func (f follower) WriteLine(level errorlog.Level, line []byte) { f().WriteLine(level, line) }
