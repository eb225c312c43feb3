package main

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"weir/conformance/installed"
	"weir/internal/testwait"
)

// unprivileged is a user that exists nearly everywhere.
const unprivileged = "nobody"

// withUser returns a site whose configuration has a user that is not root, with the mode 0600 for each file.
func withUser(t *testing.T, more string, addrs ...string) (*site, *user.User) {
	t.Helper()
	if os.Geteuid() != 0 {
		installed.Missing(t, "only root can change to another user")
	}
	u, err := user.Lookup(unprivileged)
	if err != nil {
		installed.Missing(t, err.Error())
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		installed.Missing(t, err.Error())
	}
	s := newSite(t)
	s.configure(fmt.Sprintf("user %s %s; %s", u.Username, g.Name, more), addrs...)
	s.secure()
	for _, dir := range []string{s.dir, filepath.Dir(s.dir)} { // that of a pid file is open to all, as /run
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return s, u
}

// secure lets only root read the configuration.
func (s *site) secure() {
	s.t.Helper()
	if err := os.Chmod(s.path("nginx.conf"), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// child returns the only child of the process.
func (p *served) child() int {
	p.t.Helper()
	var pid int
	testwait.Eventually(p.t, "a child", func() bool {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", p.pid, p.pid))
		for _, task := range threads(p.t, p.pid) { // any thread may have started it
			more, _ := os.ReadFile(filepath.Join(task, "children"))
			text = append(text, more...)
		}
		fields := strings.Fields(string(text))
		if len(fields) == 0 {
			return false
		}
		pid, _ = strconv.Atoi(fields[0])
		return true
	})
	return pid
}

// status returns the fields of a process's status file.
func status(t *testing.T, pid int) map[string]string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.Join(strings.Fields(value), " ")
	}
	return fields
}

// TestServingProcessHasNoRights reads the rights of the serving process and of its threads from the kernel,
// and lets it use those of its parent at a reload: for files that only root can read, and a port below 1024.
func TestServingProcessHasNoRights(t *testing.T) {
	s, u := withUser(t, "")
	p := s.front()
	c := s.dial(s.addr)
	child := p.child()
	for _, task := range threads(t, child) {
		tid, _ := strconv.Atoi(filepath.Base(task))
		got := status(t, tid)
		for name, want := range map[string]string{
			"Uid": strings.TrimSpace(strings.Repeat(u.Uid+" ", 4)), "Gid": strings.TrimSpace(strings.Repeat(u.Gid+" ", 4)),
			"Groups": u.Gid, "CapEff": "0000000000000000", "CapPrm": "0000000000000000", "CapAmb": "0000000000000000", "NoNewPrivs": "1",
		} {
			if got[name] != want {
				t.Errorf("thread %d: %s is %q, want %q", tid, name, got[name], want)
			}
		}
	}
	if got := status(t, p.pid)["Uid"]; got != "0 0 0 0" {
		t.Errorf("the parent has the user %s", got)
	}
	low := lowAddr(t)
	conf, _ := os.ReadFile(s.path("nginx.conf"))
	write(t, s.path("nginx.conf"), strings.Replace(string(conf), "listen ", "listen "+low+"; listen ", 1))
	p.send(syscall.SIGHUP)
	s.wantLine(`\[notice\] PID: configuration generation 2 serves .*`)
	s.dial(low)
	s.ping(c)
	if err := os.Rename(s.path("e.log"), s.path("e.log.1")); err != nil {
		t.Fatal(err)
	}
	p.send(syscall.SIGUSR1)
	testwait.Eventually(t, "a new log in a directory of root", func() bool {
		_, err := os.Stat(s.path("e.log"))
		return err == nil
	})
	if _, err := os.Stat(s.path("n.pid.sock")); err != nil {
		t.Errorf("the channel for commands: %v", err)
	}
	p.send(syscall.SIGTERM)
	p.wantExit(0)
}

// TestTitles reads the title of the serving process as tools do, while it serves and while QUIT waits for a session.
func TestTitles(t *testing.T) {
	s, _ := withUser(t, "")
	p := s.front()
	c := s.dial(s.addr)
	child := p.child()
	title := func() string { return strings.TrimRight(readText(t, fmt.Sprintf("/proc/%d/cmdline", child)), "\x00") }
	if got, want := title(), "nginx: worker process"; got != want {
		t.Errorf("got the title %q, want %q", got, want)
	}
	if got, want := readText(t, fmt.Sprintf("/proc/%d/comm", child)), "nginx\n"; got != want {
		t.Errorf("got the name %q, want %q", got, want)
	}
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", child)); err != nil || strings.Contains(string(text), s.dir) {
		t.Errorf("the environment has the command line: %q, %v", text, err)
	}
	p.send(syscall.SIGQUIT)
	testwait.Eventually(t, "the title of a process that ends", func() bool { return title() == "nginx: worker process is shutting down" })
	s.ping(c)
	c.Close()
	p.wantExit(0)
}

// lowAddr returns a free address with a port that only root can bind.
func lowAddr(t *testing.T) string {
	t.Helper()
	for port := 1023; port > 900; port-- {
		l, err := net.Listen("tcp", "127.77.1.1:"+strconv.Itoa(port))
		if err == nil {
			l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}

// TestDeadProcessIsReplaced kills the serving process: no connection is refused, and the parent starts it again.
func TestDeadProcessIsReplaced(t *testing.T) {
	s, _ := withUser(t, "")
	p := s.front()
	s.wantLine(`\[notice\] PID: configuration generation 1 serves .*`)
	child := p.child()
	if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	s.wantLine(fmt.Sprintf(`\[alert\] PID: worker process %d exited on signal 9`, child))
	s.dial(s.addr).Close()
	if next := p.child(); next == child {
		t.Errorf("process %d still runs", child)
	}
	p.send(syscall.SIGQUIT)
	p.wantExit(0)
}

// TestUpgradeWithUser replaces the binary of a process with a parent, and returns to the old one.
func TestUpgradeWithUser(t *testing.T) {
	s, _ := withUser(t, "")
	s.configure(strings.SplitN(readText(t, s.path("nginx.conf")), "\n", 2)[0], "unix:"+s.path("s.sock"))
	s.secure()
	old := s.background(s.install(binary, "weir"))
	held, load := s.dial(s.addr), startLoad(s.addr)
	next := old.upgrade()
	next.child()
	next.send(syscall.SIGQUIT)
	next.wantGone()
	testwait.Eventually(t, "the pid file has its name again", func() bool { return s.pidIn("n.pid") == old.pid })
	next = old.upgrade()
	old.send(syscall.SIGQUIT)
	s.ping(held)
	s.dial(s.addr).Close()
	load.wantNoFailure(t)
	held.Close()
	old.wantGone()
	next.send(syscall.SIGQUIT)
	next.wantGone()
	for _, name := range []string{"s.sock", "n.pid", "n.pid.oldbin", "n.pid.sock"} {
		if _, err := os.Stat(s.path(name)); err == nil {
			t.Errorf("the last process has left %s", name)
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
