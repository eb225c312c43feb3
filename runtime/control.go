package runtime

import (
	"context"
	"os"
	"syscall"

	"weir/internal/errorlog"
)

// controls maps the arguments of -s to signals.
var controls = map[string]syscall.Signal{
	"stop": syscall.SIGTERM, "quit": syscall.SIGQUIT, "reopen": syscall.SIGUSR1, "reload": syscall.SIGHUP,
}

// sendSignal implements -s: it sends a signal to the process that the configuration's pid file names, and
// does not wait for the effect.
func sendSignal(o Options, p paths, c *console) int {
	program, found := load(p.source(o.Globals), p.env(context.Background(), os.Getpid(), c.out.writer()))
	c.logDiagnostics(found)
	if found.HasEmerg() {
		return exitFailed
	}
	c.log(errorlog.Notice, "signal process started")
	if o.Wait {
		return reloadAndWait(program.Main.PidFile, c)
	}
	pid, err := readPid(program.Main.PidFile)
	if err != nil {
		c.log(err.level, "%v", err)
		return exitFailed
	}
	if err := syscall.Kill(pid, controls[o.Signal]); err != nil {
		c.log(errorlog.Alert, "kill(%d, %d) failed%s", pid, int(controls[o.Signal]), errorlog.Errno(err))
		return exitFailed
	}
	return exitOK
}
