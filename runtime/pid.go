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

// A pidFile is the file that the number of this process is in. The zero pidFile is none. It is safe for concurrent use.
type pidFile struct {
	mu   sync.Mutex
	path string // empty: none
}

// moveTo writes number to the file path, which is the pid file from now on. The one before is not removed.
func (f *pidFile) moveTo(path string, number int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == path {
		return nil
	}
	if err := writePid(path, number); err != nil {
		return err
	}
	f.path = path
	return nil
}

// remove removes the pid file, if there is one.
func (f *pidFile) remove() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == "" {
		return nil
	}
	path := f.path
	f.path = ""
	return removePid(path)
}

// writePid makes path hold the number of the process. What others have left there under a link is not touched: the link is replaced.
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

// isLink reports whether a file was not opened because a link is in its place.
func isLink(err error) bool { return errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EMLINK) }

// touchPid makes sure that the pid file can be written, without changing what is in it. A link is left as it is.
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

// maxPidText is how much of a pid file is read: as many bytes as nginx reads.
const maxPidText = 22

// A pidError is why the number in a pid file is not known, with the level at which nginx logs it.
type pidError struct {
	level errorlog.Level
	err   error
}

// Error is the sentence of nginx.
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

// parsePid reads the number of a process. nginx also accepts 0, and then signals its own process group.
func parsePid(text string) (pid int, ok bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil && n > 0
}
