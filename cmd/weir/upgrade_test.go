package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/conformance/installed"
	"weir/internal/testwait"
)

// background serves the site as a daemon until the test ends. program is a link to the binary in the
// site's directory, as a package replaces it.
func (s *site) background(program string, more ...string) *served {
	s.t.Helper()
	if got, want := command(s.t, s.dir, program, s.args(more...)...), (result{}); got != want {
		s.t.Fatalf("got\n%v\nwant\n%v", got, want)
	}
	s.t.Cleanup(func() {
		for _, pid := range runningIn(s.t, s.dir) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		testwait.Eventually(s.t, "end of the daemons", func() bool { return len(runningIn(s.t, s.dir)) == 0 })
	})
	return &served{s, nil, s.readPid()}
}

// install copies the program from to name in the site's directory, as a package does.
func (s *site) install(from, name string) (path string) {
	s.t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		s.t.Fatal(err)
	}
	path = s.path(name)
	if err := os.WriteFile(path+".new", text, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// pidIn returns the number in a pid file; 0 without one.
func (s *site) pidIn(name string) int {
	text, _ := os.ReadFile(s.path(name))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// upgrade sends USR2 and returns the new process.
func (p *served) upgrade() *served {
	p.t.Helper()
	p.send(syscall.SIGUSR2)
	testwait.Eventually(p.t, "two pid files", func() bool {
		now := p.pidIn("n.pid")
		return now != 0 && now != p.pid && p.pidIn("n.pid.oldbin") == p.pid
	})
	return &served{p.site, nil, p.pidIn("n.pid")}
}

// wantEnd waits until the process has ended.
func (p *served) wantGone() {
	p.t.Helper()
	testwait.Eventually(p.t, fmt.Sprintf("end of process %d", p.pid), func() bool { return !isRunning(p.pid) })
}

// isRunning reports whether a process has not ended with all its threads, so that it can still be a parent.
func isRunning(pid int) bool {
	if threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid)); len(threads) > 1 {
		return true
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

// A load opens connections without a pause until it is stopped.
type load struct {
	stop   chan struct{}
	work   sync.WaitGroup
	failed error
	opened int
}

// startLoad begins to connect to addr and to exchange a byte, one connection after another.
func startLoad(addr string) *load {
	l := &load{stop: make(chan struct{})}
	l.work.Go(func() {
		for {
			select {
			case <-l.stop:
				return
			default:
			}
			if l.failed = exchange(addr); l.failed != nil {
				return
			}
			l.opened++
		}
	})
	return l
}

// exchange connects to addr, sends a byte and waits until it returns.
func exchange(addr string) error {
	c, err := net.DialTimeout("tcp", addr, testwait.Patience)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(testwait.Patience))
	if _, err := c.Write([]byte("x")); err != nil {
		return err
	}
	_, err = io.ReadFull(c, make([]byte, 1))
	return err
}

// wantNoFailure stops the load and fails the test if a connection has failed.
func (l *load) wantNoFailure(t *testing.T) {
	t.Helper()
	close(l.stop)
	l.work.Wait()
	if l.failed != nil || l.opened == 0 {
		t.Errorf("connection %d failed: %v", l.opened+1, l.failed)
	}
}

// TestUpgradeLosesNothing replaces the process under load, as control.xml describes: USR2, WINCH, QUIT.
func TestUpgradeLosesNothing(t *testing.T) {
	s := newSite(t)
	s.configure("worker_processes 2;", "unix:"+s.path("s.sock"))
	control := "unix:" + s.path("control.sock")
	old := s.background(s.install(binary, "weir"), "-l", control)
	held := s.dial(s.addr)
	load := startLoad(s.addr)
	s.install(binary, "weir")
	next := old.upgrade()
	for _, line := range []string{
		`\[notice\] PID: signal 12 \(SIGUSR2\) received, changing binary`, `\[notice\] PID: changing binary`,
		fmt.Sprintf(`\[notice\] PID: start new binary process %d`, next.pid), `\[notice\] PID: using inherited sockets from "3;4;5;"`,
	} {
		s.wantLine(line)
	}
	if status, _ := controlOf(s).ask("PATCH", "/1/control/config"); status != 200 { // answered by the new process
		t.Errorf("got status %d for a reload", status)
	}
	s.wantLine(`\[notice\] PID: configuration generation 2 serves .*`)
	old.send(syscall.SIGWINCH)
	s.wantLine(`\[notice\] PID: signal 28 \(SIGWINCH\) received, stop accepting connections`)
	s.ping(held)
	old.send(syscall.SIGQUIT)
	s.ping(held)
	s.dial(s.addr).Close()
	load.wantNoFailure(t)
	if !isRunning(old.pid) {
		t.Error("the old process has ended before its session")
	}
	held.Close()
	old.wantGone()
	if got := s.pidIn("n.pid.oldbin"); got != 0 {
		t.Errorf("the old pid file still holds %d", got)
	}
	c, err := net.Dial("unix", s.path("s.sock"))
	if err != nil {
		t.Fatal(err)
	}
	s.ping(c)
	c.Close()
	last := next.upgrade() // a new process can be replaced after its predecessor has ended
	next.send(syscall.SIGQUIT)
	next.wantGone()
	last.send(syscall.SIGQUIT)
	last.wantGone()
	for _, name := range []string{"s.sock", "control.sock", "n.pid", "n.pid.oldbin"} {
		if _, err := os.Stat(s.path(name)); err == nil {
			t.Errorf("the last process has left %s", name)
		}
	}
}

// TestRollback returns to the old process in both ways of control.xml: HUP to the old and QUIT to the new
// process, and TERM to the new one.
func TestRollback(t *testing.T) {
	for _, tt := range []struct {
		name   string
		revert bool // HUP to the old process first
		end    syscall.Signal
	}{{"HUP and QUIT", true, syscall.SIGQUIT}, {"TERM", false, syscall.SIGTERM}, {"KILL", false, syscall.SIGKILL}} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			old := s.background(s.install(binary, "weir"))
			held, load := s.dial(s.addr), startLoad(s.addr)
			next := old.upgrade()
			old.send(syscall.SIGUSR2)
			next.send(syscall.SIGUSR2)
			testwait.Eventually(t, "both processes ignore the signal", func() bool {
				return strings.Count(s.log(), "[crit] PID: the changing binary signal is ignored: "+
					"you should shutdown or terminate before either old or new binary's process\n") == 2
			})
			old.send(syscall.SIGWINCH)
			s.wantLine(`\[notice\] PID: gracefully shutting down`)
			if tt.revert {
				old.send(syscall.SIGHUP)
				testwait.Eventually(t, "the old process accepts again", func() bool {
					return strings.Count(s.log(), "start worker processes\n") == 3
				})
			}
			if tt.end == syscall.SIGTERM { // it cuts the sessions of the new process
				load.wantNoFailure(t)
			}
			next.send(tt.end)
			next.wantGone()
			testwait.Eventually(t, "the pid file has its name again", func() bool {
				return s.pidIn("n.pid") == old.pid && s.pidIn("n.pid.oldbin") == 0
			})
			if tt.end == syscall.SIGQUIT {
				load.wantNoFailure(t)
			}
			s.ping(held)
			s.dial(s.addr).Close()
			old.send(syscall.SIGQUIT)
			held.Close()
			old.wantGone()
		})
	}
}

// TestFailedUpgradeChangesNothing starts a new binary with a broken configuration, and one that is missing.
func TestFailedUpgradeChangesNothing(t *testing.T) {
	s := newSite(t)
	program := s.install(binary, "weir")
	old := s.background(program)
	s.configure("foo;")
	old.send(syscall.SIGUSR2)
	s.wantLine(`\[notice\] PID: new binary process \d+ exited with code 1`)
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	old.send(syscall.SIGUSR2)
	s.wantLine(`\[alert\] PID: execve\(\) failed while executing new binary process ".*" \(2: No such file or directory\)`)
	if got := s.readPid(); got != old.pid {
		t.Errorf("got process %d, want still %d", got, old.pid)
	}
	s.dial(s.addr).Close()
	old.send(syscall.SIGQUIT)
	old.wantGone()
}

// TestUpgradeBetweenPrograms replaces nginx by weir and weir by nginx.
func TestUpgradeBetweenPrograms(t *testing.T) {
	needNginx(t)
	for _, tt := range []struct{ name, from, to string }{{"nginx to weir", nginx, binary}, {"weir to nginx", binary, nginx}} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			write(t, s.path("nginx.conf"), fmt.Sprintf("load_module %s; worker_processes 2; pid n.pid; error_log e.log info; events {}\n"+
				"stream { server { listen %s reuseport; proxy_pass %s; } }\n", nginxStream, s.addr, s.echo))
			old := s.background(s.install(tt.from, "program"))
			held, load := s.dial(s.addr), startLoad(s.addr)
			s.install(tt.to, "program")
			next := old.upgrade()
			old.send(syscall.SIGQUIT)
			s.ping(held)
			s.dial(s.addr).Close()
			load.wantNoFailure(t)
			held.Close()
			old.wantGone()
			next.send(syscall.SIGQUIT)
			next.wantGone()
		})
	}
}

// TestInitScript runs the commands of Debian's /etc/init.d/nginx, and the one of its logrotate stanza.
func TestInitScript(t *testing.T) {
	tool := installed.Program(t, "start-stop-daemon", "dpkg")
	s := newSite(t)
	program := s.install(binary, "nginx")
	run := func(code int, args ...string) {
		t.Helper()
		if got := command(t, s.dir, tool, args...); got.code != code {
			t.Fatalf("%v:\n%v", args, got)
		}
	}
	pidFile := s.path("n.pid")
	start := []string{"--start", "--quiet", "--pidfile", pidFile, "--exec", program}
	signal := func(name, file string) []string {
		return []string{"--stop", "--signal", name, "--quiet", "--pidfile", file, "--name", "nginx"}
	}
	run(0, append(start, "--test")...)
	run(0, append(append(start, "--"), s.args()...)...)
	t.Cleanup(func() { endDaemons(t, s.dir, "") })
	p := &served{s, nil, s.readPid()}
	run(1, append(start, "--test")...) // it runs already
	load := startLoad(s.addr)

	run(0, signal("HUP", pidFile)...) // reload
	s.wantLine(`\[notice\] PID: configuration generation 2 serves .*`)

	if err := os.Rename(s.path("e.log"), s.path("e.log.1")); err != nil {
		t.Fatal(err)
	}
	run(0, signal("USR1", pidFile)...) // rotate
	testwait.Eventually(t, "a new log", func() bool { return s.log() != "" })

	s.install(binary, "nginx")
	run(0, signal("USR2", pidFile)...) // upgrade
	testwait.Eventually(t, "two pid files", func() bool { return s.pidIn("n.pid.oldbin") != 0 && s.pidIn("n.pid") != 0 })
	run(0, signal("QUIT", pidFile+".oldbin")...)
	p.wantGone()
	load.wantNoFailure(t)
	if got := s.readPid(); got == p.pid || got == 0 {
		t.Errorf("got process %d after the upgrade", got)
	}

	run(0, "--stop", "--quiet", "--retry=QUIT/5/TERM/5/KILL/5", "--pidfile", pidFile, "--name", "nginx")
	if got := s.readPid(); got != 0 {
		t.Errorf("the pid file still holds %d", got)
	}
}
