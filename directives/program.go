// Package directives knows every directive: one file for each page of nginx's documentation, a table in each. It compiles a
// configuration into a Program.
package directives

import (
	"time"

	"weir/internal/errorlog"
	"weir/parser"
	"weir/parser/diag"
	"weir/stream"
)

// A Program is a configuration, compiled. It is immutable, and has opened nothing.
type Program struct {
	Main        Main
	Stream      *stream.Config // never nil; empty without a stream block
	Tree        *parser.Tree   // what was read; whoever loaded it may let go of it
	Diagnostics diag.List      // the warnings, in order
}

// Main are the settings of the process as a whole.
//
// See https://nginx.org/en/docs/ngx_core_module.html.
type Main struct {
	Daemon            bool
	PidFile           string // full path
	User, Group       string // that user names; empty: none. The process does not change to them
	WorkerProcesses   int    // 0: as many as there are processors
	WorkerConnections int
	RlimitNofile      uint64        // 0: left alone
	RlimitCore        uint64        // 0: left alone
	Priority          int           // of the process's threads, as nice(1) counts; 0: none is asked for
	Affinity          Affinity      // of the loops
	ShutdownTimeout   time.Duration // 0: sessions of an old configuration may take as long as they like
	WorkingDirectory  string        // empty: left alone
	ErrorLog          *errorlog.Log // its files are among Stream.Files
	ErrorLogFile      string        // full path of the first of its files; empty: none
	ErrorLogStderr    bool          // standard error is among its targets
	StderrLogged      bool          // standard error is among the targets of some level, so that it must stay what it is
}
