package runtime

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"weir/directives"
	"weir/internal/errorlog"
	"weir/internal/logfile"
	"weir/parser"
)

const (
	// titlePrefix is what scripts look for in the list of processes.
	titlePrefix = "nginx: master process "
	// processName is what start-stop-daemon --name looks for.
	processName = "nginx"
	// readyVar tells a daemon the descriptor on which it says that it is ready.
	readyVar = "WEIR_READY_FD"
)

// A stage is a step of the way from the process that a command has started to the one that serves. The program is executed again for
// the background, unless the configuration has `daemon off`, and for nginx's title, with the same process number: so the title is simply
// its first argument.
type stage int

const (
	serving    stage = iota // the process serves
	background              // a daemon follows, and the process ends when that serves
	titled                  // the same process follows, with a title
)

// stageAfter is what follows for a process that has been started with these options.
func stageAfter(o Options, p paths) stage {
	switch {
	case isTitled(o.Args):
		return serving
	case os.Getenv(readyVar) == "" && wantsDaemon(p.source(o.Globals)):
		return background
	}
	return titled
}

func isTitled(args []string) bool { return len(args) > 0 && strings.HasPrefix(args[0], titlePrefix) }

// isFirst reports whether this is the process that the command has started, and not one that it has become.
func isFirst(args []string) bool { return !isTitled(args) && os.Getenv(readyVar) == "" }

// wantsDaemon looks for the daemon directive. A configuration that can not be read is complained about in front; what its blocks include,
// which may be large tables, is not looked at.
func wantsDaemon(src parser.Source) bool {
	src.Outermost = true
	tree, bad := parser.Load(src)
	if len(bad) > 0 {
		return false
	}
	for _, d := range tree.Root.Directives {
		if d.Name.Text == "daemon" && len(d.Args) > 0 {
			return !strings.EqualFold(d.Args[0].Text, "off")
		}
	}
	return true
}

// executeTitled executes the program in the place of the process. It returns only when that fails.
func executeTitled(args []string) error {
	return syscall.Exec(self(), append([]string{titlePrefix + args[0]}, args[1:]...), os.Environ())
}

// startDaemon starts the program once more, in a session of its own, and waits until it serves or fails. Signals are passed on to it.
func startDaemon(o Options, c *console, signals *signalSet) int {
	ready, theirs, err := os.Pipe()
	if err != nil {
		c.log(errorlog.Emerg, "pipe() failed%s", errorlog.Errno(err))
		return exitFailed
	}
	defer ready.Close()
	if signals.end.Err() != nil {
		return exitFailed
	}
	cmd := exec.Command(self(), o.Args[1:]...)
	cmd.Args[0] = o.Args[0]
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Env = append(os.Environ(), readyVar+"=3")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	blockSignals(precedence[:]) // it inherits that, and receives what comes before it can
	err = cmd.Start()
	unblockSignals(precedence[:])
	theirs.Close()
	if err != nil {
		c.log(errorlog.Emerg, "fork() failed%s", errorlog.Errno(err))
		return exitFailed
	}
	if awaitDaemon(cmd, ready, signals) {
		return exitOK
	}
	cmd.Wait()
	return exitFailed
}

// awaitDaemon waits until the daemon serves or has ended, and reports whether it serves. Meanwhile it passes signals on. A daemon that
// does not end when it is told to is killed.
func awaitDaemon(cmd *exec.Cmd, ready *os.File, signals *signalSet) (serves bool) {
	kill := context.AfterFunc(signals.end, func() {
		time.AfterFunc(endPatience, func() { cmd.Process.Kill() })
	})
	defer kill()
	done := run(func() {
		n, _ := ready.Read(make([]byte, 1))
		serves = n == 1
	})
	for {
		select {
		case <-done:
			return serves
		case <-signals.wake:
		}
		for s, pending := signals.take(); pending; s, pending = signals.take() {
			cmd.Process.Signal(s)
		}
	}
}

// A daemonNotifier is what a daemon does before and once it serves; nil for a process in front.
type daemonNotifier struct{ ready *os.File }

// daemonNotifierOf takes the pipe from the environment.
func daemonNotifierOf(args []string) *daemonNotifier {
	fd, err := strconv.Atoi(os.Getenv(readyVar))
	if err != nil || !isTitled(args) {
		return nil
	}
	os.Unsetenv(readyVar)
	unix.CloseOnExec(fd)
	return &daemonNotifier{os.NewFile(uintptr(fd), "ready")}
}

// detach takes the file mode mask of whoever started the daemon away: the pid file and what is opened later have the modes that nginx
// gives them.
func (d *daemonNotifier) detach() {
	if d != nil {
		syscall.Umask(0)
	}
}

// complete lets the first process exit.
func (d *daemonNotifier) complete() {
	if d == nil {
		return
	}
	d.ready.Write([]byte{1})
	d.ready.Close()
}

// setName names the process. Without /proc it keeps the name of its file, which matters to nobody who looks there.
func setName() { os.WriteFile("/proc/self/comm", []byte(processName), 0) }

// redirectStderr sends what the Go runtime says when it gives up to the error log, as ngx_log_redirect_stderr does, unless standard
// error is a log itself, at whatever level. It follows the file as that is reopened. It returns that file; nil: there is none.
func redirectStderr(p *directives.Program) *logfile.File {
	if p.Main.StderrLogged || p.Main.ErrorLogFile == "" {
		return nil
	}
	file := p.Stream.Files.Get(p.Main.ErrorLogFile)
	log := p.Main.ErrorLog
	file.OnOpen(func(f *os.File) {
		if err := duplicateOnStderr(f); err != nil {
			log.Write(errorlog.Alert, 0, "dup2(STDERR_FILENO) failed"+errorlog.Errno(err))
		}
	})
	return file
}

// duplicateOnStderr makes standard error the file that f is, without changing how f is written.
func duplicateOnStderr(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = duplicate(int(fd), syscall.Stderr) })
	return cmp.Or(err, failed)
}

// followStderr notes what standard error was redirected to, so that the file before is not followed any more.
func (m *Master) followStderr(file *logfile.File) {
	if m.stderrIs != nil {
		m.stderrIs.OnOpen(nil)
	}
	m.stderrIs = file
}

// applyLimits sets the limits that the configuration asks for. As in nginx a failure is an alert and nothing more.
func applyLimits(m *directives.Main, c *console) {
	limit := func(which int, name string, n uint64) {
		if n == 0 {
			return
		}
		var both unix.Rlimit
		setBoth(&both.Cur, &both.Max, n)
		if err := unix.Setrlimit(which, &both); err != nil {
			c.log(errorlog.Alert, "setrlimit(%s, %d) failed%s", name, n, errorlog.Errno(err))
		}
	}
	limit(unix.RLIMIT_NOFILE, "RLIMIT_NOFILE", m.RlimitNofile)
	limit(unix.RLIMIT_CORE, "RLIMIT_CORE", m.RlimitCore)
}

// applyPriority sets worker_priority where it is another one than before. A configuration without it goes back to 0.
func applyPriority(before, n int, c *console) {
	if n == before {
		return
	}
	if err := setPriority(n); err != nil {
		c.log(errorlog.Alert, "setpriority(%d) failed%s", n, errorlog.Errno(err))
	}
}

// warnOfOpenFiles says that not as many connections can be open as the configuration allows, as ngx_event_module_init does.
func warnOfOpenFiles(m *directives.Main, c *console) {
	var now unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &now) != nil || !c.errorLog.Enabled(errorlog.Warn) {
		return
	}
	wanted, limit := uint64(m.WorkerConnections), uint64(now.Cur)
	if wanted <= limit || wanted <= m.RlimitNofile {
		return
	}
	if m.RlimitNofile > 0 {
		limit = m.RlimitNofile
	}
	c.log(errorlog.Warn, "%d worker_connections exceed open file resource limit: %d", wanted, limit)
}

// setBoth sets numbers whose type is not the same on all systems.
func setBoth[T int64 | uint64](soft, hard *T, n uint64) { *soft, *hard = T(n), T(n) }

// enter makes dir, if there is one, the working directory. nginx's workers do so, and its master does not; here they are one, so a
// process that finds its files by relative paths stays where it is.
func enter(dir string, p paths, c *console) {
	if dir == "" {
		return
	}
	if !strings.HasPrefix(p.prefix, "/") || !strings.HasPrefix(p.conf, "/") {
		c.log(errorlog.Warn, "\"working_directory\" has no effect with the relative prefix \"%s\"", p.prefix)
		return
	}
	if err := os.Chdir(dir); err != nil {
		c.log(errorlog.Alert, "chdir(\"%s\") failed%s", dir, errorlog.Errno(err))
	}
}
