package runtime

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"weir/internal/errorlog"
)

// unreachable returns why a command cannot reach the process that has written the pid file. failure is the
// error of the connection to its channel.
func unreachable(pidPath string, failure error) error {
	pid, unread := readPid(pidPath)
	socket := pidPath + channelSuffix
	switch {
	case unread != nil:
		return fmt.Errorf("no process is known: %v", unread)
	case errors.Is(syscall.Kill(pid, 0), syscall.ESRCH):
		return fmt.Errorf("no process has the number %d of the pid file \"%s\"", pid, pidPath)
	case errors.Is(failure, os.ErrPermission):
		return fmt.Errorf("connect() to \"%s\" failed%s: run the command as root, or as the user of process %d",
			socket, errorlog.Errno(failure), pid)
	}
	return fmt.Errorf("connect() to \"%s\" failed%s: process %d%s is not weir, or its error log has the reason",
		socket, errorlog.Errno(failure), pid, programOf(pid))
}

// programOf returns the program of a process in parentheses, or an empty text if it is unknown.
func programOf(pid int) string {
	if path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil {
		return " (" + path + ")"
	}
	if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil {
		return " (" + strings.TrimSpace(string(name)) + ")"
	}
	return ""
}
