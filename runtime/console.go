package runtime

import (
	"fmt"
	"io"
	"os"
	"time"

	"weir/directives"
	"weir/internal/errorlog"
	"weir/internal/logfile"
	"weir/parser/diag"
)

// A console writes the process's own messages: to an error log and, during the start, to standard error
// too. It is not changed after creation.
type console struct {
	errorLog *errorlog.Log
	// stderr gets warnings and worse without date and process number, for the user at the terminal; nil
	// after the process has started.
	stderr io.Writer
	// files are the files that only log writes to, closed when another log replaces it; may be nil.
	files *logfile.Set
	// dated is set if the log itself prints to standard error: its lines are not printed twice.
	dated bool
	out   *outlets // the process waits for it at its end; nil in tests
	// hints explains on standard error why a configuration is refused; nil adds nothing to nginx's lines.
	hints *hinter
	// record also gets warnings and worse, for the client that asked for a reload; nil without one.
	record *errorlog.Log
}

// recording returns a copy of c that writes to record as well.
func (c *console) recording(record *errorlog.Log) *console {
	copied := *c
	copied.record = record
	return &copied
}

// log writes one line.
func (c *console) log(level errorlog.Level, format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	c.errorLog.Write(level, 0, msg)
	c.record.Write(level, 0, msg)
	if c.stderr == nil || level > errorlog.Warn || c.dated && c.errorLog.Enabled(level) {
		return
	}
	fmt.Fprintf(c.stderr, "nginx: [%s] %s\n", level, msg)
}

// logDiagnostics writes the diagnostics of a configuration as nginx does, which stops at the first error.
func (c *console) logDiagnostics(found diag.List) {
	for _, d := range found {
		c.log(levelOf(d.Severity), "%s", d.Error())
		if d.Severity != diag.Warn {
			c.explain(d)
			return
		}
	}
}

// explain writes a hint for the correction of d below nginx's line.
func (c *console) explain(d diag.Diagnostic) {
	if c.hints != nil && c.stderr != nil {
		io.WriteString(c.stderr, c.hints.explain(d))
	}
}

func levelOf(s diag.Severity) errorlog.Level {
	switch s {
	case diag.Warn:
		return errorlog.Warn
	case diag.Crit:
		return errorlog.Crit
	default:
		return errorlog.Emerg
	}
}

// bootConsole returns the console that is used until a configuration is applied: the log of -e at level
// notice, or info for -t. As in ngx_log_init, standard error replaces a file that cannot be opened; only
// the first process of a start reports that.
func bootConsole(o Options, p paths, out *outlets) *console {
	c := &console{errorLog: errorlog.New(time.Now, os.Getpid()), stderr: out.stderr, out: out, hints: newHinter(o)}
	level := errorlog.Notice
	if o.Test {
		level = errorlog.Info
	}
	if p.errorLog == "stderr" {
		c.errorLog.Add(level, errorlog.Lines(c.stderr))
		c.dated = true
		return c
	}
	files := &logfile.Set{}
	file := files.Get(p.errorLog)
	if err := openLogs(files, logfile.OpenAppend); err != nil {
		if isFirst(o.Args) {
			fmt.Fprintf(c.stderr, "nginx: [alert] could not open error log file: %v\n", err)
		}
		c.errorLog.Add(level, errorlog.Lines(c.stderr))
		c.dated = true
		return c
	}
	c.errorLog.Add(level, errorlog.Lines(file))
	c.files = files
	out.add(files)
	return c
}

// close closes the console's own file, if any.
func (c *console) close() {
	if c.files != nil {
		c.files.Close()
	}
}

// startConsole returns the console for the time from opening the log files of the first configuration
// until the process has started.
func startConsole(program *directives.Program, boot *console) *console {
	return &console{errorLog: program.Main.ErrorLog, stderr: boot.stderr, dated: program.Main.ErrorLogStderr, out: boot.out}
}
