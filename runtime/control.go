package runtime

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"

	"weir/stream/errorlog"
)

// controls are the words of -s.
var controls = map[string]syscall.Signal{
	"stop": syscall.SIGTERM, "quit": syscall.SIGQUIT, "reopen": syscall.SIGUSR1, "reload": syscall.SIGHUP,
}

// sendSignal is -s: it tells the running process, which the configuration's pid file names. It does not wait for what that does.
func sendSignal(o Options, p paths, c *console) int {
	program, found := load(p.source(o.Globals), p.env(os.Getpid()))
	c.sayAll(found)
	if found.HasEmerg() {
		return exitFailed
	}
	c.say(errorlog.Notice, "signal process started")
	pid, err := readPid(program.Main.PidFile)
	if err != nil {
		c.say(errorlog.Error, "%v", err)
		return exitFailed
	}
	if err := syscall.Kill(pid, controls[o.Signal]); err != nil {
		c.say(errorlog.Alert, "kill(%d, %d) failed%s", pid, int(controls[o.Signal]), errorlog.Errno(err))
		return exitFailed
	}
	return exitOK
}

// readPid returns the number in a pid file.
func readPid(path string) (int, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0, openError(err)
	}
	text := strings.TrimRight(string(raw), "\r\n")
	pid, ok := parsePid(text)
	if !ok {
		return 0, errors.New("invalid PID number \"" + text + "\" in \"" + path + "\"")
	}
	return pid, nil
}

// parsePid reads the number of a process. nginx takes 0 for one, too, and then signals whoever is in its own process group.
func parsePid(text string) (pid int, ok bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil && n > 0
}
