package runtime

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"weir/directives"
	"weir/internal/errorlog"
	"weir/internal/logfile"
	"weir/runtime/keeper"
)

// CommandLine returns the command line of this process: args, or that of the parent, because the title of a process
// that serves for a parent takes the place of its arguments.
func CommandLine(args []string) ([]string, error) {
	if !isSeparate() {
		return args, nil
	}
	setTitle(workerTitle)
	return keeper.NewClient(keeperFD).Args()
}

// followParent connects the process to its parent, if it has one.
func (m *Master) followParent() {
	if !isSeparate() {
		return
	}
	os.Unsetenv(keeperVar)
	old, _ := strconv.Atoi(os.Getenv(oldVar))
	os.Unsetenv(oldVar)
	m.signals.parent.Store(int64(old))
	m.signals.parentOf = parentOfParent
	m.signals.daemon.Store(true)
	died, _ := strconv.ParseUint(os.Getenv(respawnedVar), 10, 64)
	os.Unsetenv(respawnedVar)
	m.respawned.Store(died)
	client := keeper.NewClient(keeperFD)
	m.files.parent, m.pid.by = client, client
	m.ports.setParent(client)
	m.redirect = func(p *directives.Program) *logfile.File {
		return redirectStderr(p, func(f *os.File) { client.SetLog(f) })
	}
	unix.CloseOnExec(eventsFD)
	go m.followEvents(os.NewFile(eventsFD, "events"))
}

// followEvents reads the ends of new binaries. The end of the parent ends the process.
func (m *Master) followEvents(events *os.File) {
	for {
		var status uint32
		if err := binary.Read(events, binary.NativeEndian, &status); err != nil {
			m.signals.receive(syscall.SIGTERM)
			return
		}
		select {
		case m.upgrade.ended <- syscall.WaitStatus(status):
		case <-m.done:
			return
		}
	}
}

// parentOfParent returns the parent of the parent process; 0 if it is not known.
func parentOfParent() int {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", os.Getppid()))
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	pid, _ := strconv.Atoi(fields[1])
	return pid
}

// passEnv passes the parent the env directives.
func (m *Master) passEnv(main *directives.Main) {
	if m.files.parent == nil {
		return
	}
	switch err := m.files.parent.SetEnv(main.Env); {
	case errors.Is(err, syscall.EPERM):
		m.console.log(errorlog.Warn, "the values that \"env\" sets change with the next start only")
	case err != nil:
		m.console.log(errorlog.Alert, "keeper: passing the environment failed%s", errorlog.Errno(err))
	}
}

// informParent passes the parent the sockets, which it needs if this process dies.
func (m *Master) informParent() {
	if m.files.parent == nil {
		return
	}
	if err := m.files.parent.Keep(m.sockets()); err != nil {
		m.console.log(errorlog.Alert, "keeper: passing the sockets failed%s", errorlog.Errno(err))
	}
	if err := m.files.parent.Ready(); err != nil {
		m.console.log(errorlog.Alert, "keeper: %v", err)
	}
}
