// Package runtime runs weir: it opens the resources of a configuration, serves it until it is stopped,
// and changes to another configuration without dropping a session.
//
// There is one process, regardless of reloads. It logs the messages of nginx's master and worker
// processes, because people and tools look for them; where nginx has a worker process, weir has a
// Generation.
package runtime

import (
	"context"
	"io"
	"os"

	"weir/internal/errorlog"
)

// Options are the options of the command line.
//
// See https://nginx.org/en/docs/switches.html.
type Options struct {
	Args     []string // the whole command line, as CommandLine returns it
	Test     bool     // -t, -T
	Dump     bool     // -T
	Quiet    bool     // -q
	Signal   string   // -s: "stop", "quit", "reopen", "reload"; empty without -s
	Prefix   string   // -p; empty means the built-in one
	ErrorLog string   // -e; empty means the built-in one
	Conf     string   // -c; empty means the built-in one
	Globals  string   // -g
	Control  string   // -l: the address of the control API; empty disables it
	Wait     bool     // --wait: with the signal reload, until the outcome is known
	Watch    bool     // -watch: reload when a file of the configuration changes
	Hints    bool     // -hints: explain configuration errors even if standard error is not a terminal
}

// Stdio are the standard streams.
type Stdio struct {
	Out, Err io.Writer
}

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
)

// Main runs the command described by o and returns the exit code. A serving process returns when serving
// ends; before that it may re-execute the program under nginx's title or daemonize it.
func Main(o Options, stdio Stdio) int {
	useTimezone()
	o.Hints = o.Hints || isTerminal(stdio.Err)
	paths, out := o.paths(), newOutlets(stdio.Err)
	stdio.Err = out.stderr
	switch {
	case o.Test:
		defer out.wait(commandTimeout)
		return check(o, paths, bootConsole(o, paths, out), stdio)
	case o.Signal != "":
		defer out.wait(commandTimeout)
		return sendSignal(o, paths, bootConsole(o, paths, out))
	}
	defer out.wait(exitTimeout)
	log := &currentLog{}
	signals := receiveSignals(log) // before anything that may block
	letRead := context.AfterFunc(signals.end, newDeadline(log, &pidFile{}, out).arm)
	c := bootConsole(o, paths, out)
	log.Store(c.errorLog)
	next := stageAfter(o, paths)
	letRead()
	switch next {
	case background:
		return startDaemon(o, c, signals)
	case titled:
		out.wait(exitTimeout)
		if !signals.prepareExec() {
			return exitOK
		}
		err := executeTitled(o.Args)
		signals.undoPrepareExec()
		c.log(errorlog.Warn, "execve() \"%s\" failed%s, continuing without a process title", self(), errorlog.Errno(err))
	}
	if needed, env := separates(o, paths); needed {
		return keepRights(o, c, signals, env)
	}
	return serve(o, paths, c, signals)
}

// isRoot reports whether the process runs as root.
func isRoot() bool { return os.Geteuid() == 0 }
