package errorlog

import (
	"errors"
	"strconv"
	"syscall"
)

// Errno is the system's reason for err as nginx appends it to a message, " (111: Connection refused)"; for another error its text
// in the same form, and for nil nothing.
func Errno(err error) string {
	if err == nil {
		return ""
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return " (" + strconv.Itoa(int(errno)) + ": " + Strerror(errno) + ")"
	}
	return " (" + err.Error() + ")"
}

// unlikeGo holds what glibc says otherwise than package syscall but for the capital.
var unlikeGo = map[syscall.Errno]string{
	0:   "Success",
	133: "Memory page has hardware error",
}

// Strerror is the system's text for errno as glibc spells it, with its capital.
func Strerror(errno syscall.Errno) string {
	if text, ok := unlikeGo[errno]; ok {
		return text
	}
	text := errno.Error()
	unknown := "errno " + strconv.Itoa(int(errno))
	switch {
	case text == unknown:
		return "Unknown error " + strconv.Itoa(int(errno))
	case 'a' <= text[0] && text[0] <= 'z':
		return string(text[0]-'a'+'A') + text[1:]
	}
	return text
}
