package runtime

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
)

// The variables by which systemd passes the socket for notices, and the time and the process of the watchdog.
const (
	notifyVar       = "NOTIFY_SOCKET"
	watchdogTimeVar = "WATCHDOG_USEC"
	watchdogPIDVar  = "WATCHDOG_PID"
)

// firstActivated is the first descriptor of a socket that systemd passes.
const firstActivated = 3

// A supervisor is systemd, or another service manager that uses its protocol. The zero value is none.
//
// See sd_notify(3).
type supervisor struct {
	socket   string        // the address for notices; empty if none are wanted
	watchdog time.Duration // the time after which a silent process is ended; 0 if there is none
}

// newSupervisor reads the environment. The process has the number pid; a successor takes over the watchdog of another
// process: a new binary that of the old one, and a process with a parent that of the parent.
func newSupervisor(pid int, succeeds bool) supervisor {
	s := supervisor{socket: os.Getenv(notifyVar)}
	watched := os.Getenv(watchdogPIDVar)
	if n, err := strconv.ParseInt(os.Getenv(watchdogTimeVar), 10, 64); err == nil && n > 0 &&
		(watched == "" || watched == strconv.Itoa(pid) || succeeds) {
		s.watchdog = time.Duration(n) * time.Microsecond
	}
	return s
}

// notify sends a notice. A failure is of no consequence.
func (s supervisor) notify(notice string) {
	if s.socket == "" {
		return
	}
	c, err := net.Dial("unixgram", s.socket)
	if err != nil {
		return
	}
	defer c.Close()
	c.SetWriteDeadline(time.Now().Add(time.Second))
	c.Write([]byte(notice))
}

// reloading announces a reload; a later ready ends it.
func (s supervisor) reloading() {
	var now unix.Timespec
	if s.socket == "" || unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
		return
	}
	s.notify(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000))
}

// ready announces that the process serves.
func (s supervisor) ready() { s.notify("READY=1") }

// stopping announces the end. next is the number of the new binary that continues; 0 if there is none.
func (s supervisor) stopping(next int) {
	if next != 0 {
		s.notify(fmt.Sprintf("MAINPID=%d", next))
		return
	}
	s.notify("STOPPING=1")
}

// alive returns a channel that gets a value when the watchdog needs a notice; nil without one.
func (s supervisor) alive() (ticks <-chan time.Time, stop func()) {
	if s.watchdog == 0 || s.socket == "" {
		return nil, func() {}
	}
	t := time.NewTicker(s.watchdog / 2)
	return t.C, t.Stop
}

// stayAlive sends notices for the watchdog until the returned function is called: a change of the configuration
// may take longer than the watchdog waits, and has its own time limits.
func (s supervisor) stayAlive() (stop func()) {
	ticks, stopTicks := s.alive()
	if ticks == nil {
		return func() {}
	}
	end := make(chan struct{})
	done := run(func() {
		for {
			select {
			case <-ticks:
				s.notify("WATCHDOG=1")
			case <-end:
				return
			}
		}
	})
	return func() {
		stopTicks()
		close(end)
		<-done
	}
}

// activated returns the listening sockets that systemd has opened for the process with the number pid.
//
// See sd_listen_fds(3).
func activated(pid int) (fds []int) {
	defer func() {
		for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
			os.Unsetenv(name)
		}
	}()
	if os.Getenv("LISTEN_PID") != strconv.Itoa(pid) {
		return nil
	}
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	for i := range n {
		fds = append(fds, firstActivated+i)
	}
	return fds
}

// activate takes the sockets that systemd has opened. Their files are systemd's.
func (m *Master) activate() {
	fds := activated(os.Getpid())
	if len(fds) == 0 {
		return
	}
	m.activated = true
	m.console.log(errorlog.Notice, "using %d sockets of systemd", len(fds))
	for _, fd := range fds {
		m.ports.inherit(fd, m.console)
	}
}
