package conf

import (
	"io"
	"net/netip"
	"os"
	"time"

	"weir/internal/tlsconf"
)

// An Env gives the compiler access to the machine. It leaves nothing open; tests replace it.
type Env struct {
	Prefix     string // the base of relative paths of logs and the pid file; ends with a slash
	ConfPrefix string // the directory of the configuration file; ends with a slash
	ErrorLog   string // -e, or the built-in path
	PidFile    string // the built-in path
	PID        int
	Root       bool // the process runs as root
	Now        func() time.Time
	// ReadFile returns the content of a file that a directive names, other than include. It is safe
	// for concurrent use: a database reads its file again while the configuration is in use.
	ReadFile func(name string) ([]byte, error)
	// ReadState returns the content of a file that this process writes itself. Unlike a file that
	// ReadFile returns, it is not watched for changes.
	ReadState func(name string) ([]byte, error)
	// LookupHost resolves names as getaddrinfo does: numbers of any form are names too.
	LookupHost func(name string) ([]netip.Addr, error)
	// UserID returns the number of a user. The error is fs.ErrNotExist when the system has no list
	// of users.
	UserID      func(name string) (int, error)
	GroupExists func(name string) bool
	Hostname    func() string // the machine's name; empty if it has none
	// TicketKeys returns the keys of the TLS session tickets that are valid for a time. It returns the
	// same keys each time, so that clients resume sessions after a reload. nil makes new keys.
	TicketKeys func(valid time.Duration) tlsconf.TicketKeys
	// Stderr is standard error as a log: it is safe for concurrent use and does not block. nil
	// means os.Stderr, for tools that only read a configuration.
	Stderr io.Writer
}

// Console returns standard error as a log.
func (e *Env) Console() io.Writer {
	if e.Stderr == nil {
		return os.Stderr
	}
	return e.Stderr
}

// Path returns the path that nginx opens for name: relative to the prefix.
func (e *Env) Path(name string) string { return join(e.Prefix, name) }

// ConfPath returns the path that nginx opens for name relative to the directory of the
// configuration.
func (e *Env) ConfPath(name string) string { return join(e.ConfPrefix, name) }

func join(prefix, name string) string {
	if len(name) > 0 && name[0] == '/' {
		return name
	}
	return prefix + name
}
