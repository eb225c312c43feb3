package errorlog

import (
	"errors"
	"strconv"
	"syscall"
)

// Errno returns the system's reason for err as nginx appends it to a message, " (111: Connection
// refused)"; for any other error its text in the same form, and for nil the empty string.
func Errno(err error) string {
	if err == nil {
		return ""
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return " (" + strconv.Itoa(int(errno)) + ": " + Strerror(errno) + ")"
	}
	return " (" + err.Error() + ")"
}

// unlikeGo contains the glibc texts that differ from those of package syscall in more than the
// initial capital.
var unlikeGo = map[syscall.Errno]string{
	0:   "Success",
	133: "Memory page has hardware error",
}

// Strerror returns the system's text for errno as glibc spells it, with an initial capital.
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
