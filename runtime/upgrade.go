package runtime

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"weir/internal/errorlog"
)

// An executable is the program as it was started: its file may be replaced, and the process may change its
// directory.
type executable struct {
	name string   // as in the command line
	path string   // of its file
	args []string // of the command line, beginning with name
	dir  string   // the directory in which it was started
}

// executableOf returns the program of the command line args, which may begin with nginx's title.
func executableOf(args []string) executable {
	b := executable{args: slices.Clone(args)}
	if len(args) == 0 {
		return b
	}
	b.name = strings.TrimPrefix(args[0], titlePrefix)
	b.args[0] = b.name
	b.dir, _ = os.Getwd()
	b.path = b.name
	if found, err := exec.LookPath(b.name); err == nil {
		b.path = found
	}
	if !filepath.IsAbs(b.path) {
		b.path = filepath.Join(b.dir, b.path)
	}
	return b
}

// start starts the file of the program with the environment env. It inherits the sockets. A name without a
// slash was found by PATH, which env need not have.
func (b executable) start(sockets []int, env []string) (*os.Process, error) {
	args := slices.Clone(b.args)
	if !strings.Contains(b.name, "/") {
		args[0] = b.path
	}
	files := []uintptr{0, 1, 2}
	var list strings.Builder
	for _, fd := range sockets {
		fmt.Fprintf(&list, "%d;", len(files))
		files = append(files, uintptr(fd))
	}
	pid, err := syscall.ForkExec(b.path, args, &syscall.ProcAttr{
		Dir: b.dir, Env: append(env, inheritedVar+"="+list.String()), Files: files,
	})
	if err != nil {
		return nil, err
	}
	return os.FindProcess(pid)
}

// errUpgrading refuses a reload while two binaries serve.
var errUpgrading = errors.New("the configuration cannot change while a new binary runs")

// An upgrade is the replacement of this process by a new binary.
type upgrade struct {
	pid   int                     // of the new binary; 0 if none runs
	ended chan syscall.WaitStatus // gets the end of the new binary
}

// runs reports whether a new binary runs.
func (u *upgrade) runs() bool { return u.pid != 0 }

// changeBinary follows ngx_exec_new_binary: the new binary gets the listening sockets, and both accept.
//
// See https://nginx.org/en/docs/control.html.
func (m *Master) changeBinary() {
	if m.quitting {
		return
	}
	m.console.log(errorlog.Notice, "changing binary")
	if err := m.pid.setAside(); err != nil {
		failed := renameOf(err)
		m.console.log(errorlog.Alert, "rename() %s to %s failed before executing new binary process \"%s\"%s",
			failed.Old, failed.New, m.binary.name, errorlog.Errno(failed.Err))
		return
	}
	m.lendState()
	pid, err := m.startBinary()
	if err != nil {
		m.owner.takeBack()
		m.console.log(errorlog.Alert, "execve() failed while executing new binary process \"%s\"%s", m.binary.path, errorlog.Errno(err))
		m.restorePid("an attempt to execute new binary process \"" + m.binary.name + "\"")
		return
	}
	m.console.log(errorlog.Notice, "start new binary process %d", pid)
	m.upgrade.pid = pid
	m.signals.newBinary.Store(true)
	m.control.pause()
}

// startBinary starts the new binary, by the parent if there is one, which then reports its end.
func (m *Master) startBinary() (pid int, err error) {
	if m.files.parent != nil {
		return m.files.parent.StartBinary()
	}
	process, err := m.binary.start(m.sockets(), environment(m.latest.Program.Main.Env, ownVariables...))
	if err != nil {
		return 0, err
	}
	go m.awaitBinary(process)
	return process.Pid, nil
}

// restorePid gives the pid file its name again after what has ended.
func (m *Master) restorePid(what string) {
	if err := m.pid.restore(); err != nil {
		failed := renameOf(err)
		m.console.log(errorlog.Alert, "rename() %s back to %s failed after %s%s", failed.Old, failed.New, what, errorlog.Errno(failed.Err))
	}
}

// awaitBinary waits until a new binary ends.
func (m *Master) awaitBinary(process *os.Process) {
	state, err := process.Wait()
	if err != nil {
		return
	}
	select {
	case m.upgrade.ended <- state.Sys().(syscall.WaitStatus):
	case <-m.done:
	}
}

// endUpgrade follows ngx_reap_children: this process continues alone.
func (m *Master) endUpgrade(how syscall.WaitStatus) {
	m.console.log(exitLevel(how), "%s", exitLine(fmt.Sprintf("new binary process %d", m.upgrade.pid), how))
	m.restorePid("the new binary process \"" + m.binary.name + "\" exited")
	m.upgrade.pid = 0
	m.owner.takeBack()
	m.signals.newBinary.Store(false)
	m.control.serve()
	m.channel.moveTo(m.latest.Program.Main.PidFile)
	if m.pausing != nil && !m.quitting {
		m.acceptAgain()
	}
}

// exitLevel returns the level of exitLine.
func exitLevel(how syscall.WaitStatus) errorlog.Level {
	if how.Signaled() {
		return errorlog.Alert
	}
	return errorlog.Notice
}

// exitLine returns the line for the end of a process, in the words of ngx_process_get_status.
func exitLine(name string, how syscall.WaitStatus) string {
	switch {
	case how.Signaled() && how.CoreDump():
		return fmt.Sprintf("%s exited on signal %d (core dumped)", name, how.Signal())
	case how.Signaled():
		return fmt.Sprintf("%s exited on signal %d", name, how.Signal())
	}
	return fmt.Sprintf("%s exited with code %d", name, how.ExitStatus())
}

// changes returns the channel of due reloads; nil while a new binary runs, so that they wait.
func (m *Master) changes() <-chan reloadReason {
	if m.upgrade.runs() {
		return nil
	}
	return m.watcher.changes()
}

// sockets returns the descriptors of all listening sockets.
func (m *Master) sockets() []int {
	all := m.ports.descriptors()
	if m.control != nil {
		all = append(all, m.control.socket.Descriptor())
	}
	return all
}

// sharesSockets reports whether another binary has the sockets too, so that their files must stay.
func (m *Master) sharesSockets() bool { return m.upgrade.runs() || m.signals.hasOldBinary() }
