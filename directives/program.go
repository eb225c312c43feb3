// Package directives contains every directive: one file for each page of nginx's documentation,
// with a table in each. It compiles a configuration into a Program.
package directives

import (
	"time"

	"weir/internal/errorlog"
	"weir/parser"
	"weir/parser/diag"
	"weir/stream"
	"weir/web"
)

// A Program is a compiled configuration. It is immutable, and has opened nothing.
type Program struct {
	Main        Main
	Stream      *stream.Config // never nil; empty without a stream block
	Web         *web.Config    // never nil; empty without an http block
	Tree        *parser.Tree   // the parsed files; the caller of Load may set it to nil
	Diagnostics diag.List      // the warnings, in order
}

// Main is the settings of the whole process.
//
// See https://nginx.org/en/docs/ngx_core_module.html.
type Main struct {
	Daemon            bool
	PidFile           string // full path
	User, Group       string // from the user directive; empty if not given
	Transparent       bool   // connections to servers may have foreign source addresses, which needs a right
	WorkerProcesses   int    // 0 means as many as there are processors
	WorkerConnections int
	RlimitNofile      uint64          // 0 leaves it unchanged
	RlimitCore        uint64          // 0 leaves it unchanged
	Priority          int             // of the process's threads, on the scale of nice(1); 0 leaves it unchanged
	Affinity          Affinity        // of the loops
	ShutdownTimeout   time.Duration   // 0 means no limit for sessions of an old configuration
	WorkingDirectory  string          // empty leaves it unchanged
	Env               []string        // variables of the environment: NAME keeps one, NAME=VALUE sets one
	ErrorLog          *errorlog.Log   // its files are among Stream.Files
	ErrorLogs         []*errorlog.Log // of all levels
	ErrorLogFile      string          // full path of the first of its files; empty if there is none
	ErrorLogStderr    bool            // standard error is among its targets
	StderrLogged      bool            // standard error is among the targets of some level, so it must not be redirected
}
