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
	// titlePrefix is the prefix that scripts look for in the list of processes.
	titlePrefix = "nginx: master process "
	// workerTitle and endingTitle are nginx's titles of the process that serves for a parent.
	workerTitle = "nginx: worker process"
	endingTitle = workerTitle + " is shutting down"
	// processName is the name that start-stop-daemon --name looks for.
	processName = "nginx"
	// keeperVar passes a process without rights the descriptor of its parent's socket.
	keeperVar = "WEIR_KEEPER_FD"
	// readyVar passes a daemon the descriptor on which it reports that it is ready.
	readyVar = "WEIR_READY_FD"
)

// A stage is a step from the process that a command starts to the one that serves. The program is
// executed again for the background, unless the configuration has `daemon off`, and for nginx's title,
// with the same process number: so the title is simply its first argument.
type stage int

const (
	serving    stage = iota // the process serves
	background              // a daemon follows; the process ends when the daemon serves
	titled                  // the same process follows, with a title
)

// stageAfter returns the next stage of a process that was started with these options.
func stageAfter(o Options, p paths) stage {
	switch {
	case isTitled(o.Args), isSeparate():
		return serving
	case os.Getenv(readyVar) == "" && !isNewBinary() && wantsDaemon(p.source(o.Globals)):
		return background
	}
	return titled
}

func isTitled(args []string) bool { return len(args) > 0 && strings.HasPrefix(args[0], titlePrefix) }

// isSeparate reports whether the process serves for a parent that keeps the rights.
func isSeparate() bool { return os.Getenv(keeperVar) != "" }

// isFirst reports whether this is the process that the command started, not a later stage.
func isFirst(args []string) bool {
	return !isTitled(args) && !isSeparate() && os.Getenv(readyVar) == ""
}

// wantsDaemon looks for the daemon directive. It ignores a configuration that cannot be read, which the
// process in the foreground reports, and files included in blocks, which may be large tables.
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

// executeTitled replaces the program of the process. It returns only on failure.
func executeTitled(args []string) error {
	return syscall.Exec(self(), append([]string{titlePrefix + args[0]}, args[1:]...), os.Environ())
}

// startDaemon starts the program again, in its own session, and waits until it serves or fails. It
// forwards signals to it.
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
	blockSignals(precedence[:]) // the daemon inherits that, and receives earlier signals when it can
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

// awaitDaemon waits until the daemon serves or has ended, and reports whether it serves. Meanwhile it
// forwards signals. It kills a daemon that does not end after a signal to end.
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

// daemonNotifier detaches a daemon, and notifies the parent when it is ready; nil in the foreground.
type daemonNotifier struct{ ready *os.File }

// daemonNotifierOf takes the descriptor of the pipe from the environment.
func daemonNotifierOf(args []string) *daemonNotifier {
	fd, err := strconv.Atoi(os.Getenv(readyVar))
	if err != nil || !isTitled(args) && !isSeparate() {
		return nil
	}
	os.Unsetenv(readyVar)
	unix.CloseOnExec(fd)
	return &daemonNotifier{os.NewFile(uintptr(fd), "ready")}
}

// detach clears the inherited file mode mask: the pid file and files opened later get nginx's modes.
func (d *daemonNotifier) detach() {
	if d != nil {
		syscall.Umask(0)
	}
}

// complete reports that the daemon is ready, so that the first process exits.
func (d *daemonNotifier) complete() {
	if d == nil {
		return
	}
	d.ready.Write([]byte{1})
	d.ready.Close()
}

// setName sets the name of the process. Without /proc it keeps its file name.
func setName() { os.WriteFile("/proc/self/comm", []byte(processName), 0) }

// redirectStderr redirects the Go runtime's crash output to the error log, as ngx_log_redirect_stderr
// does, unless standard error is a log itself, at any level. It follows the file when that is reopened.
// It returns that file, or nil without redirection. also gets the open file too.
func redirectStderr(p *directives.Program, also ...func(*os.File)) *logfile.File {
	if p.Main.StderrLogged || p.Main.ErrorLogFile == "" {
		return nil
	}
	file := p.Stream.Files.Get(p.Main.ErrorLogFile)
	log := p.Main.ErrorLog
	file.OnOpen(func(f *os.File) {
		if err := duplicateOnStderr(f); err != nil {
			log.Write(errorlog.Alert, 0, "dup2(STDERR_FILENO) failed"+errorlog.Errno(err))
		}
		for _, use := range also {
			use(f)
		}
	})
	return file
}

// duplicateOnStderr makes standard error a duplicate of f, without changing how f is written.
func duplicateOnStderr(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = duplicate(int(fd), syscall.Stderr) })
	return cmp.Or(err, failed)
}

// followStderr records the file that standard error was redirected to, and stops following the previous
// one.
func (m *Master) followStderr(file *logfile.File) {
	if m.stderrIs != nil {
		m.stderrIs.OnOpen(nil)
	}
	m.stderrIs = file
}

// applyLimits sets the limits of the configuration. As in nginx, a failure only logs an alert.
func applyLimits(m *directives.Main, c *console) {
	limit := func(which int, name string, n uint64) {
		if n == 0 {
			return
		}
		var both unix.Rlimit
		setLimitPair(&both.Cur, &both.Max, n)
		if err := unix.Setrlimit(which, &both); err != nil {
			c.log(errorlog.Alert, "setrlimit(%s, %d) failed%s", name, n, errorlog.Errno(err))
		}
	}
	limit(unix.RLIMIT_NOFILE, "RLIMIT_NOFILE", m.RlimitNofile)
	limit(unix.RLIMIT_CORE, "RLIMIT_CORE", m.RlimitCore)
}

// applyPriority sets worker_priority if it has changed. A configuration without it resets it to 0.
func applyPriority(before, n int, c *console) {
	if n == before {
		return
	}
	if err := setPriority(n); err != nil {
		c.log(errorlog.Alert, "setpriority(%d) failed%s", n, errorlog.Errno(err))
	}
}

// warnOfOpenFiles logs that the configuration allows more connections than can be open, as
// ngx_event_module_init does.
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

// setLimitPair sets numbers whose type depends on the system.
func setLimitPair[T int64 | uint64](soft, hard *T, n uint64) { *soft, *hard = T(n), T(n) }

// changeDir makes dir, if not empty, the working directory. nginx's workers do so, and its master does not.
// weir has one process for both, so with relative paths to its files it does not change the directory.
func changeDir(dir string, p paths, c *console) {
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
