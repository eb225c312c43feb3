package diag

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
)

// Cause returns the text that nginx appends to a message after a system error: "2: No such file or
// directory", the error number and the text of strerror. If err's chain has no error number, it returns
// err's own text.
func Cause(err error) string {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
	case errors.Is(err, fs.ErrNotExist):
		errno = syscall.ENOENT
	case errors.Is(err, fs.ErrPermission):
		errno = syscall.EACCES
	default:
		return err.Error()
	}
	words := errno.Error() // like strerror's, except for the capital letter
	return strconv.Itoa(int(errno)) + ": " + strings.ToUpper(words[:1]) + words[1:]
}
