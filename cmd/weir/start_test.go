package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/conformance/installed"
	"weir/internal/testwait"
)

// TestSignalEndsAStartAtAnyMoment sends a signal a little later each time, from before the program asks
// for signals until it serves.
func TestSignalEndsAStartAtAnyMoment(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			site := newSite(t)
			for i := range 40 {
				cmd := exec.Command(binary, site.args("-g", "daemon off;")...)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Duration(i) * 500 * time.Microsecond)
				cmd.Process.Signal(s)
				p := &served{site, cmd, cmd.Process.Pid}
				p.wantEnd(s)
			}
		})
	}
}

// wantEnd waits for the end of a process after a signal: with exit code 0, or by the signal if that
// arrived very early.
func (p *served) wantEnd(s syscall.Signal) {
	p.t.Helper()
	timer := time.AfterFunc(testwait.Patience, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	p.cmd.Wait()
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.ExitStatus() != 0 && status.Signal() != s {
		p.t.Errorf("got %v, want the end by %v", p.cmd.ProcessState, s)
	}
	if got := p.readPid(); got != 0 {
		p.t.Errorf("the pid file still holds %d", got)
	}
}

// waitingSite returns a site whose start waits because its address is in use.
func waitingSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return s
}

func TestSignalEndsADaemonThatStarts(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT} {
		t.Run(sig.String(), func(t *testing.T) {
			s := waitingSite(t)
			cmd := exec.Command(binary, s.args()...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cmd.Process.Kill() })
			s.wantLine(`\[notice\] PID: try again to bind\(\) after 500ms`)
			cmd.Process.Signal(sig)
			cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != 1 {
				t.Errorf("got %v, want exit code 1: nothing serves", cmd.ProcessState)
			}
			if strings.Contains(s.log(), "still could not bind") {
				t.Error("the start went on")
			}
		})
	}
}

func TestManySignalsAreMergedAndTermWins(t *testing.T) {
	p := newSite(t).front()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p.configure("", taken.Addr().String())
	p.send(syscall.SIGHUP)
	p.wantLine(`\[notice\] PID: try again to bind\(\) after 500ms`)
	for range 100 {
		p.send(syscall.SIGHUP)
		p.send(syscall.SIGUSR1)
	}
	p.send(syscall.SIGTERM)
	p.wantExit(0)
	if got := regexp.MustCompile(`(?m)^DATE \[notice\] PID: reconfiguring$`).FindAllString(p.log(), -1); len(got) != 1 {
		t.Errorf("got %d reloads, want 1", len(got))
	}
}

func TestPidFileOfADaemonIsWorldReadable(t *testing.T) {
	s := newSite(t)
	before := syscall.Umask(0o077)
	got := command(t, s.dir, binary, s.args()...)
	syscall.Umask(before)
	if want := (result{}); got != want {
		t.Fatalf("got\n%v\nwant\n%v", got, want)
	}
	pid := s.readPid()
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
	info, err := os.Stat(s.path("n.pid"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := info.Mode().Perm(), os.FileMode(0o644); got != want {
		t.Errorf("got mode %v, want %v", got, want)
	}
	s.control("stop")
	testwait.Eventually(t, "its end", func() bool { return s.readPid() == 0 })
}

func TestPidFileIsNotWrittenThroughALink(t *testing.T) {
	s := newSite(t)
	write(t, s.path("target"), "kept\n")
	if err := os.Symlink("target", s.path("n.pid")); err != nil {
		t.Fatal(err)
	}
	p := s.front()
	if got, _ := os.ReadFile(s.path("target")); string(got) != "kept\n" {
		t.Errorf("got %q in the target", got)
	}
	p.wantLine(`\[warn\] PID: the pid file replaces the symbolic link "` + regexp.QuoteMeta(s.path("n.pid")) + `"`)
	p.control("stop")
	p.wantExit(0)
}

func TestPidFileWithAnotherPathIsKept(t *testing.T) {
	p := newSite(t).front()
	if err := os.Symlink(".", p.path("same")); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(p.path("nginx.conf"))
	write(t, p.path("nginx.conf"), strings.Replace(string(text), "pid n.pid", "pid same/n.pid", 1))
	p.send(syscall.SIGHUP)
	p.wantLine(`\[notice\] PID: configuration generation 2 serves .*`)
	if got := p.readPid(); got != p.pid {
		t.Errorf("got %d in the pid file, want %d", got, p.pid)
	}
	p.control("stop")
	p.wantExit(0)
}

func TestPidFileThatIsADirectory(t *testing.T) {
	s := newSite(t)
	if err := os.Mkdir(s.path("n.pid"), 0o700); err != nil {
		t.Fatal(err)
	}
	got := command(t, s.dir, binary, s.args("-e", "e.log", "-s", "stop")...)
	want := result{stderr: "nginx: [crit] pread() \"" + s.path("n.pid") + "\" failed (21: Is a directory)\n", code: 1}
	got.stderr = strings.ReplaceAll(got.stderr, "$DIR", s.dir)
	if got != want {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

// TestFailureToOpenTheFirstLogIsReportedOnce runs starts that execute the program two and three times.
func TestFailureToOpenTheFirstLogIsReportedOnce(t *testing.T) {
	for _, daemon := range []string{"on", "off"} {
		t.Run("daemon "+daemon, func(t *testing.T) {
			s := waitingSite(t)
			got := command(t, s.dir, binary, s.args("-e", "no/such.log", "-g", "daemon "+daemon+";")...)
			if n := strings.Count(got.stderr, "could not open error log file"); n != 1 {
				t.Errorf("got %d times, want once:\n%s", n, got.stderr)
			}
		})
	}
}

func TestFirstLogIsClosedWhenConfiguredLogsOpen(t *testing.T) {
	p := newSite(t).front("-e", "first.log")
	p.ping(p.dial(p.addr))
	testwait.Eventually(t, "the first log is closed", func() bool {
		fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.pid))
		if err != nil || len(fds) == 0 {
			t.Fatal("no descriptors: ", err)
		}
		return !slices.ContainsFunc(fds, func(fd string) bool { to, _ := os.Readlink(fd); return to == p.path("first.log") })
	})
}

func TestLogToStandardOutputThatIsASocket(t *testing.T) {
	s := newSite(t)
	write(t, s.path("nginx.conf"), "pid n.pid; error_log e.log info; events {} stream { log_format f '$status'; access_log /dev/stdout f; server { listen "+
		s.addr+"; return hi; } }")
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs := os.NewFile(uintptr(pair[0]), "mine"), os.NewFile(uintptr(pair[1]), "theirs")
	defer mine.Close()
	cmd := exec.Command(binary, s.args("-g", "daemon off;")...)
	cmd.Stdout = theirs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	t.Cleanup(func() { cmd.Process.Kill() })
	testwait.Eventually(t, "pid file", func() bool { return s.readPid() == cmd.Process.Pid })
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	line := make([]byte, 4)
	if n, err := mine.Read(line); string(line[:n]) != "200\n" {
		t.Errorf("got %q, %v, want a line", line[:n], err)
	}
	(&served{s, cmd, cmd.Process.Pid}).send(syscall.SIGTERM)
	(&served{s, cmd, cmd.Process.Pid}).wantExit(0)
}

// TestUserWithoutAUserDatabase runs weir in a root directory with only the program and its configuration,
// as in a small image.
func TestUserWithoutAUserDatabase(t *testing.T) {
	if os.Geteuid() != 0 {
		installed.Missing(t, "only root can change the root directory")
	}
	dir := t.TempDir()
	program, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "weir"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "n.conf"), "user nginx;\nerror_log stderr;\npid /n.pid;\nevents {}\n")
	cmd := exec.Command("/weir", "-t", "-p", "/", "-c", "/n.conf", "-e", "stderr")
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Chroot: dir}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := `[warn] PID: no user database, "user" is ignored and weir continues as root in /n.conf:1` + "\n"
	if got := withoutRandomText(string(out)); !strings.Contains(got, want) {
		t.Errorf("got %q, want it to hold %q", got, want)
	}
}
