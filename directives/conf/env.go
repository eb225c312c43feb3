package conf

import (
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"os/user"
	"strconv"
	"time"
)

// An Env gives the compiler access to the machine. It leaves nothing open; tests replace it.
type Env struct {
	Prefix     string                                  // the base of relative paths of logs and the pid file; ends with a slash
	ConfPrefix string                                  // the directory of the configuration file; ends with a slash
	ErrorLog   string                                  // -e, or the built-in path
	PidFile    string                                  // the built-in path
	LookupHost func(name string) ([]netip.Addr, error) // like getaddrinfo: numbers of any form are names too
	Now        func() time.Time
	PID        int
	Root       bool // the process runs as root
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

// UserID returns the number of a user. The error is fs.ErrNotExist when the system has no list of users.
func (e *Env) UserID(name string) (int, error) {
	u, err := user.Lookup(name)
	if err == nil {
		return strconv.Atoi(u.Uid)
	}
	if _, missing := os.Stat(usersFile); errors.Is(missing, fs.ErrNotExist) {
		return 0, missing
	}
	return 0, err
}

// usersFile is the list of users.
const usersFile = "/etc/passwd"

// GroupExists reports whether the system knows the group.
func (e *Env) GroupExists(name string) bool {
	_, err := user.LookupGroup(name)
	return err == nil
}

// Hostname returns the machine's name; empty if it has none.
func (e *Env) Hostname() string {
	name, _ := os.Hostname()
	return name
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
