package runtime

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
)

// A pidFile is the file with the number of this process. The zero value has no file. It is safe for
// concurrent use.
type pidFile struct {
	mu   sync.Mutex
	path string // empty without a file
	by   parent // writes it; nil if the process does that itself
}

// moveTo writes number to path, which becomes the pid file. It does not remove the previous one.
func (f *pidFile) moveTo(path string, number int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == path {
		return nil
	}
	if err := f.write(path, number); err != nil {
		return err
	}
	f.path = path
	return nil
}

// setAside renames the pid file, so that a new binary can write its own.
func (f *pidFile) setAside() error {
	if f.by != nil {
		return f.by.SetAsidePid()
	}
	return f.rename(func(path string) string { return path + oldSuffix })
}

// restore gives the pid file its name again.
func (f *pidFile) restore() error {
	if f.by != nil {
		return f.by.RestorePid()
	}
	return f.rename(func(path string) string { return strings.TrimSuffix(path, oldSuffix) })
}

// rename renames the pid file.
func (f *pidFile) rename(newName func(path string) string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := newName(f.path)
	if err := os.Rename(f.path, next); err != nil {
		return err
	}
	f.path = next
	return nil
}

// oldSuffix is the suffix of the pid file of a binary that is being replaced.
const oldSuffix = ".oldbin"

// renameOf returns the paths and the reason of a failed setAside or restore.
func renameOf(err error) *os.LinkError {
	if failed, ok := errors.AsType[*os.LinkError](err); ok {
		return failed
	}
	return &os.LinkError{Err: err}
}

// remove removes the pid file, if any.
func (f *pidFile) remove() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == "" {
		return nil
	}
	path := f.path
	f.path = ""
	if f.by != nil {
		return fromMessage(f.by.RemovePid())
	}
	return removePid(path)
}

func (f *pidFile) write(path string, number int) error {
	if f.by != nil {
		return fromMessage(f.by.WritePid(path))
	}
	return writePid(path, number)
}

// fromMessage returns an error of the parent as the process itself would have it.
func fromMessage(err error) error {
	if failed, ok := errors.AsType[*os.SyscallError](err); ok {
		return &sysError{failed.Syscall, failed.Err}
	}
	return err
}

// writePid writes the number of the process to path. It replaces a symbolic link, and never writes to the
// link's target.
func writePid(path string, number int) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, 0o644)
	if isLink(err) {
		os.Remove(path)
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o644)
	}
	if err != nil {
		return openError(err)
	}
	_, err = fmt.Fprintf(f, "%d\n", number)
	if err := errors.Join(err, f.Close()); err != nil {
		return &sysError{"write() \"" + path + "\"", err}
	}
	return nil
}

// isLink reports whether opening a file failed because of a link.
func isLink(err error) bool { return errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EMLINK) }

// touchPid checks that the pid file can be written, without changing its content. It leaves a link as it
// is.
func touchPid(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o644)
	if isLink(err) {
		return nil
	}
	if err != nil {
		return openError(err)
	}
	return f.Close()
}

// removePid removes a pid file.
func removePid(path string) error {
	if err := os.Remove(path); err != nil {
		return &sysError{"unlink() \"" + path + "\"", err}
	}
	return nil
}

// isSymlink reports whether path is a symbolic link.
func isSymlink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// sameFile reports whether two paths lead to one file.
func sameFile(a, b string) bool {
	first, err := os.Lstat(a)
	if err != nil {
		return false
	}
	second, err := os.Lstat(b)
	return err == nil && os.SameFile(first, second)
}

// maxPidText limits how much of a pid file is read, as in nginx.
const maxPidText = 22

// A pidError is the reason why a pid file cannot be used, with the level at which nginx logs it.
type pidError struct {
	level errorlog.Level
	err   error
}

// Error returns nginx's sentence.
func (e *pidError) Error() string { return e.err.Error() }

// readPid returns the number in a pid file.
func readPid(path string) (int, *pidError) {
	f, err := os.Open(path)
	if err != nil {
		return 0, &pidError{errorlog.Error, openError(err)}
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxPidText))
	if err != nil {
		return 0, &pidError{errorlog.Crit, &sysError{"pread() \"" + path + "\"", err}}
	}
	text := strings.TrimRight(string(raw), "\r\n")
	pid, ok := parsePid(text)
	if !ok {
		return 0, &pidError{errorlog.Error, errors.New("invalid PID number \"" + text + "\" in \"" + path + "\"")}
	}
	return pid, nil
}

// parsePid parses a process number. nginx also accepts 0, and then signals its own process group.
func parsePid(text string) (pid int, ok bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil && n > 0
}
