// Package connecterror tells failures of a server from those of this machine, by the errors of the
// calls that make a connection.
package connecterror

import (
	"errors"
	"io/fs"
	"syscall"
)

// IsLocal reports whether a call has failed for lack of a local resource or permission, which is not
// a failure of the server. EAGAIN of a unix socket is the server's failure: its queue is full.
func IsLocal(err error, isUnix bool) bool {
	return IsShortage(err) && !(isUnix && errors.Is(err, syscall.EAGAIN)) || errors.Is(err, fs.ErrPermission)
}

// IsShortage reports whether a call has failed for lack of a source port, a descriptor or memory.
func IsShortage(err error) bool {
	switch errnoOf(err) {
	case syscall.EADDRNOTAVAIL, syscall.EAGAIN, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		return true
	}
	return false
}

// IsUnreachable reports whether connect() has failed at once for a reason of the network or the server.
// ngx_event_connect_peer logs all other reasons at the level crit.
func IsUnreachable(err error) bool {
	switch errnoOf(err) {
	case syscall.ECONNREFUSED, syscall.EAGAIN, syscall.ECONNRESET, syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTDOWN,
		syscall.EHOSTUNREACH:
		return true
	}
	return false
}

// errnoOf returns the error of the system in err, or 0.
func errnoOf(err error) syscall.Errno {
	errno, _ := errors.AsType[syscall.Errno](err)
	return errno
}
