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

// A console is where the process speaks for itself: an error log and, as long as it starts, standard error too. It is not changed
// once made.
type console struct {
	errorLog *errorlog.Log
	// stderr takes what is a warning or worse without date and number, for whoever has typed the command; nil once the process
	// has started.
	stderr io.Writer
	// files is what log alone writes to, to be closed when another log takes over; nil: nothing.
	files *logfile.Set
	// dated is set when log itself prints to standard error: what it takes is not printed twice.
	dated bool
	out   *outlets // that the process waits for at its end; nil in tests
	// hints explains on standard error why a configuration is refused; nil: nothing is added to nginx's lines.
	hints *hinter
}

// log writes one line.
func (c *console) log(level errorlog.Level, format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	c.errorLog.Write(level, 0, msg)
	if c.stderr == nil || level > errorlog.Warn || c.dated && c.errorLog.Enabled(level) {
		return
	}
	fmt.Fprintf(c.stderr, "nginx: [%s] %s\n", level, msg)
}

// logDiagnostics writes what was found in a configuration as nginx does, which reads no further than the first error.
func (c *console) logDiagnostics(found diag.List) {
	for _, d := range found {
		c.log(levelOf(d.Severity), "%s", d.Error())
		if d.Severity != diag.Warn {
			c.explain(d)
			return
		}
	}
}

// explain writes below nginx's line what helps to correct d.
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

// bootConsole is the console until a configuration has been applied: the log of -e at level notice, or info for -t. As in
// ngx_log_init, standard error takes the place of a file that can not be opened; only the first process of a start reports that.
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
	if err := openLogs(files); err != nil {
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

// close closes the file of the console, if it has one of its own.
func (c *console) close() {
	if c.files != nil {
		c.files.Close()
	}
}

// startConsole is the console from when the log files of the first configuration are open until the process has started.
func startConsole(program *directives.Program, boot *console) *console {
	return &console{errorLog: program.Main.ErrorLog, stderr: boot.stderr, dated: program.Main.ErrorLogStderr, out: boot.out}
}
