// Package runtime runs weir: it opens what a configuration asks for, serves it until it is told to stop, and changes to another
// configuration without dropping a session.
//
// There is one process, however many reloads. It says of itself what nginx's master and worker processes say, since people and
// tools look for those sentences; where nginx has a worker process, weir has a Generation.
package runtime

import (
	"context"
	"io"
	"os"

	"weir/internal/errorlog"
)

// Options are what the command line asks for.
//
// See https://nginx.org/en/docs/switches.html.
type Options struct {
	Args     []string // the whole command line, for the title of the process
	Test     bool     // -t, -T
	Dump     bool     // -T
	Quiet    bool     // -q
	Signal   string   // -s: "stop", "quit", "reopen", "reload"; empty: none
	Prefix   string   // -p; empty: the built-in one
	ErrorLog string   // -e; empty: the built-in one
	Conf     string   // -c; empty: the built-in one
	Globals  string   // -g
	Watch    bool     // -watch: reload when a file of the configuration changes
	Hints    bool     // -hints: explain what is wrong with a configuration where standard error is no terminal, too
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

// Main does what o asks for and returns the exit code of the process. When it is to serve, it returns when serving is over; on the
// way it may replace the process by the same program under nginx's title, or send it to the background.
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
	signals := receiveSignals(log) // before anything that may wait
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
		if !signals.leave() {
			return exitOK
		}
		err := executeTitled(o.Args)
		signals.stay()
		c.log(errorlog.Warn, "execve() \"%s\" failed%s, going on without a title", self(), errorlog.Errno(err))
	}
	return serve(o, paths, c, signals)
}

// isRoot reports whether the process runs as root.
func isRoot() bool { return os.Geteuid() == 0 }
