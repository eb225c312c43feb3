package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"weir/directives"
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

// mainLog says where the error log of the main level goes.
type mainLog struct {
	file   string // the first file, which takes what the Go runtime says when it gives up; empty: none
	stderr bool   // one of its targets is standard error
}

// mainLogOf reads the error_log directives of the main level, since a compiled log no longer tells its targets apart.
func mainLogOf(p *directives.Program, at paths) mainLog {
	var m mainLog
	for _, d := range p.Tree.Root.Directives {
		if d.Name.Text != "error_log" || len(d.Args) == 0 {
			continue
		}
		m.add(d.Args[0].Text, at)
	}
	if m.file == "" && !m.stderr {
		m.add(at.errorLog, at)
	}
	return m
}

func (m *mainLog) add(target string, at paths) {
	switch {
	case target == "stderr", target == "":
		m.stderr = true
	case strings.HasPrefix(target, "syslog:"), strings.HasPrefix(target, "memory:"):
	case m.file == "":
		m.file = join(at.prefix, target)
	}
}

// A follower passes on lines to the main error log of the current configuration, for those who outlive configurations.
type follower struct {
	current func() *errorlog.Log
	prefix  string // what ends the part of a line that every log writes by itself: "#PID: "
}

// followingLog returns a log that writes to whichever log current returns.
func followingLog(pid int, current func() *errorlog.Log) *errorlog.Log {
	l := errorlog.New(time.Now, pid)
	l.Add(errorlog.Debug, &follower{current, fmt.Sprintf("#%d: ", pid)})
	return l
}

// WriteLine lets the current log write the text of line.
func (f *follower) WriteLine(level errorlog.Level, line []byte) {
	_, msg, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), f.prefix)
	f.current().Write(level, 0, msg)
}
