package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
	"weir/internal/logfile"
	"weir/parser"
	"weir/runtime/keeper"
)

const (
	// oldVar passes a process without rights the number of the old binary.
	oldVar = "WEIR_OLD_BINARY"
	// respawnedVar passes it the number of its predecessors that have died.
	respawnedVar = "WEIR_RESPAWNED"
	// The descriptors of a process without rights: the socket of its parent, and the pipe of events.
	keeperFD, eventsFD = 3, 4
	// killAfter is the time that a process has to end after TERM.
	killAfter = 1500 * time.Millisecond
	// respawnPause is the time before the next start of a process that cannot start.
	respawnPause = time.Second
)

// separates reports whether another process than this one must serve: with root's rights and a user that
// is not root. It ignores a configuration that cannot be read, which the serving process reports. env has the
// env directives.
func separates(o Options, p paths) (needed bool, env []string) {
	if !isRoot() || isSeparate() {
		return false, nil
	}
	src := p.source(o.Globals)
	src.Outermost = true
	tree, bad := parser.Load(src)
	if len(bad) > 0 {
		return false, nil
	}
	for _, d := range tree.Root.Directives {
		switch {
		case len(d.Args) == 0:
		case d.Name.Text == "env":
			env = append(env, d.Args[0].Text)
		case d.Name.Text == "user":
			u, err := user.Lookup(d.Args[0].Text)
			needed = err == nil && u.Uid != "0"
		}
	}
	return needed, env
}

// A guardian is the parent: it starts the process that serves, forwards signals to it and answers its
// requests.
type guardian struct {
	program executable
	pid     pidFile
	log     *errorlog.Log
	signals *signalSet
	old     int // the number of the old binary
	ready   int // the descriptor on which a daemon reports that it is ready; 0 if there is none
	kept    []int
	env     []string // the env directives
	started bool     // a child has served
	died    int      // children

	child  int
	events *os.File
}

// keepRights runs the parent of the process that serves, and returns the exit code.
func keepRights(o Options, c *console, signals *signalSet, env []string) int {
	setName()
	signals.daemon.Store(true) // every signal is the child's
	signals.log.Store(nil)
	g := &guardian{program: executableOf(o.Args), log: errorlog.New(time.Now, os.Getpid()), signals: signals, env: env}
	g.log.Add(errorlog.Notice, errorlog.Lines(os.Stderr))
	if text, given := os.LookupEnv(inheritedVar); given {
		os.Unsetenv(inheritedVar)
		g.old = os.Getppid()
		g.kept = parseInherited(text, c)
		for _, fd := range g.kept {
			unix.CloseOnExec(fd)
		}
	}
	for _, fd := range activated(os.Getpid()) {
		unix.CloseOnExec(fd)
		g.kept = append(g.kept, fd)
	}
	if fd, err := strconv.Atoi(os.Getenv(readyVar)); err == nil {
		os.Unsetenv(readyVar)
		unix.CloseOnExec(fd)
		syscall.Umask(0)
		g.ready = fd
	}
	for {
		status, err := g.serveOnce()
		if err != nil {
			fmt.Fprintf(os.Stderr, "nginx: [emerg] %v\n", err)
			return exitFailed
		}
		if code, final := g.judge(status); final {
			return code
		}
	}
}

// judge decides after the end of a child whether the parent ends too, and with which code.
func (g *guardian) judge(status syscall.WaitStatus) (code int, final bool) {
	if !g.started {
		if status.Exited() {
			return status.ExitStatus(), true
		}
		return exitFailed, true
	}
	if status.Exited() && status.ExitStatus() == exitOK || g.signals.end.Err() != nil {
		g.pid.remove()
		return exitOK, true
	}
	g.died++
	g.log.Write(exitLevel(status), 0, exitLine(fmt.Sprintf("worker process %d", g.child), status))
	return 0, false
}

// serveOnce starts a child and serves it until it has ended.
func (g *guardian) serveOnce() (syscall.WaitStatus, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, &sysError{"socketpair()", err}
	}
	defer unix.Close(pair[0])
	theirs, events, err := os.Pipe()
	if err != nil {
		unix.Close(pair[1])
		return 0, &sysError{"pipe()", err}
	}
	g.events = events
	defer events.Close()
	err = g.start(pair[1], int(theirs.Fd()))
	unix.Close(pair[1])
	theirs.Close()
	if err != nil {
		return 0, &sysError{"fork()", err}
	}
	server := &keeper.Server{Parent: g, Pid: g, Args: g.program.args, Kept: g.kept}
	asked := run(func() { server.Serve(pair[0]) })
	status := g.await()
	<-asked
	g.kept = server.Kept
	if g.started && !server.IsReady {
		sleep(g.signals.end, respawnPause)
	}
	g.started = g.started || server.IsReady
	return status, nil
}

// start starts a child.
func (g *guardian) start(socket, events int) error {
	files := []uintptr{0, 1, 2, uintptr(socket), uintptr(events)}
	env := environment(g.env, slices.Concat(ownVariables, resolverVariables)...)
	env = append(env, fmt.Sprintf("%s=%d", keeperVar, keeperFD), fmt.Sprintf("%s=%d", respawnedVar, g.died))
	if g.ready > 0 {
		env = append(env, fmt.Sprintf("%s=%d", readyVar, len(files)))
		files = append(files, uintptr(g.ready))
	}
	if g.old != 0 || len(g.kept) > 0 {
		var list strings.Builder
		for _, fd := range g.kept {
			fmt.Fprintf(&list, "%d;", len(files))
			files = append(files, uintptr(fd))
		}
		env = append(env, inheritedVar+"="+list.String(), fmt.Sprintf("%s=%d", oldVar, g.old))
	}
	blockSignals(precedence[:]) // the child receives them when it can
	defer unblockSignals(precedence[:])
	pid, err := syscall.ForkExec(self(), workerArgs(), &syscall.ProcAttr{Env: env, Files: files})
	g.child = pid
	if g.ready > 0 {
		unix.Close(g.ready)
		g.ready = 0
	}
	return err
}

// await forwards signals to the child until it has ended.
func (g *guardian) await() (status syscall.WaitStatus) {
	ended := run(func() {
		for {
			if _, err := syscall.Wait4(g.child, &status, 0, nil); err != syscall.EINTR {
				return
			}
		}
	})
	var kill <-chan time.Time
	for {
		select {
		case <-ended:
			return status
		case <-kill:
			syscall.Kill(g.child, syscall.SIGKILL)
		case <-g.signals.wake:
		}
		for s, pending := g.signals.take(); pending; s, pending = g.signals.take() {
			syscall.Kill(g.child, s)
			if s == syscall.SIGTERM || s == syscall.SIGINT {
				kill = time.After(killAfter)
			}
		}
	}
}

// Glob implements keeper.Parent.
func (g *guardian) Glob(pattern string) ([]string, error) { return parser.Glob(pattern) }

// OpenAppend implements keeper.Parent.
func (g *guardian) OpenAppend(path string) (*os.File, error) { return logfile.OpenAppend(path) }

// StartBinary implements keeper.Parent. The end of the new binary is an event for the child.
func (g *guardian) StartBinary(sockets []int) (pid int, err error) {
	process, err := g.program.start(sockets, environment(g.env, ownVariables...))
	if err != nil {
		return 0, err
	}
	events := g.events
	go func() {
		state, err := process.Wait()
		if err == nil {
			binary.Write(events, binary.NativeEndian, uint32(state.Sys().(syscall.WaitStatus)))
		}
	}()
	return process.Pid, nil
}

// SetEnv implements keeper.Parent.
func (g *guardian) SetEnv(entries []string) { g.env = entries }

// SetLog implements keeper.Parent. The log is the standard error of the parent too.
func (g *guardian) SetLog(file *os.File) {
	defer file.Close()
	duplicateOnStderr(file)
}

// Write implements keeper.Pid. It removes the file of another path.
func (g *guardian) Write(path string) error {
	before := g.pid.path
	if err := g.pid.moveTo(path, os.Getpid()); err != nil {
		return toMessage(err)
	}
	if before != "" && before != path && !sameFile(before, path) {
		return toMessage(removePid(before))
	}
	return nil
}

// Remove implements keeper.Pid.
func (g *guardian) Remove() error { return toMessage(g.pid.remove()) }

// SetAside implements keeper.Pid.
func (g *guardian) SetAside() error { return g.pid.setAside() }

// Restore implements keeper.Pid.
func (g *guardian) Restore() error { return g.pid.restore() }

// toMessage returns the failure of a system call as package keeper passes it on.
func toMessage(err error) error {
	if failed, ok := errors.AsType[*sysError](err); ok {
		return &os.SyscallError{Syscall: failed.what, Err: failed.err}
	}
	return err
}
