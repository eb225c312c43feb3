package diag

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
)

// Cause returns what nginx appends to a sentence when the system refused something: "2: No such file or
// directory", the number of the error and the words of strerror. If no error number is in err's chain, it
// returns err's own text.
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
	words := errno.Error() // as strerror's, but for the capital
	return strconv.Itoa(int(errno)) + ": " + strings.ToUpper(words[:1]) + words[1:]
}
