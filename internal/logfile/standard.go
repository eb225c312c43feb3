package logfile

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// maxLinks is the maximum number of symbolic links followed to a standard stream.
const maxLinks = 8

// openStandard returns a duplicate descriptor of the standard stream that path leads to, after
// opening path has failed with reason: the stream may be a socket, as under systemd, or belong to
// another user. Otherwise it returns nil.
func openStandard(path string, reason error) *os.File {
	if !errors.Is(reason, syscall.ENXIO) && !errors.Is(reason, syscall.EACCES) && !errors.Is(reason, syscall.EPERM) {
		return nil
	}
	fd, ok := standardOf(path)
	if !ok {
		return nil
	}
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	another, err := syscall.Dup(fd)
	if err != nil {
		return nil
	}
	syscall.CloseOnExec(another)
	return os.NewFile(uintptr(another), path)
}

// standardOf returns the descriptor of standard output or standard error if path leads to it,
// possibly through links.
func standardOf(path string) (fd int, ok bool) {
	for range maxLinks {
		switch path {
		case "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1":
			return syscall.Stdout, true
		case "/dev/stderr", "/dev/fd/2", "/proc/self/fd/2":
			return syscall.Stderr, true
		}
		to, err := os.Readlink(path)
		if err != nil {
			return 0, false
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return 0, false
}
