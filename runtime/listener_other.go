//go:build !linux

package runtime

import (
	"syscall"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// newSocket returns a non-blocking socket that child processes do not inherit. Multipath TCP needs Linux.
func newSocket(family, kind int, multipath bool) (int, error) {
	if multipath {
		return -1, unix.EPROTONOSUPPORT
	}
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(family, kind, 0)
	if err != nil {
		return -1, err
	}
	unix.CloseOnExec(fd)
	return fd, unix.SetNonblock(fd, true)
}

// isMultipath returns false: Multipath TCP needs Linux.
func isMultipath(int) bool { return false }

// isDeferred returns false: deferred needs Linux.
func isDeferred(int) bool { return false }

// addSystemOptions adds nothing: the times of so_keepalive, fastopen and deferred need Linux.
func (s *socket) addSystemOptions(all optionList, _ *stream.ListenOptions, _ stream.ListenOptions) optionList {
	return all
}
