package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"weir/conformance/installed"
	"weir/conformance/ports"
	"weir/internal/testwait"
)

// TestReloadAndWait asks for reloads that succeed and fail.
func TestReloadAndWait(t *testing.T) {
	s := newSite(t)
	wait := func() result { return command(t, s.dir, binary, s.args("-e", "e.log", "-s", "reload", "--wait")...) }
	s.front()
	s.wantLine(`\[notice\] PID: configuration generation 1 serves .*`)
	if got := wait(); got.code != 0 || got.stderr != "" {
		t.Errorf("got %v", got)
	}
	s.wantLine(`\[notice\] PID: configuration generation 2 serves .*`) // the log is written by another goroutine
	conf := readConf(t, s)
	write(t, s.path("nginx.conf"), strings.Replace(conf, "error_log e.log info;", "error_log none/e.log info;", 1))
	want := fmt.Sprintf("DATE [emerg] PID: open() \"%s\" failed (2: No such file or directory)\n", "$DIR/none/e.log") +
		"nginx: [emerg] the configuration was not reloaded\n"
	if got := wait(); got.code != 1 || !strings.Contains(got.stderr, want) {
		t.Errorf("got %v, want %s", got, want)
	}
	if got := command(t, s.dir, binary, s.args("--wait", "-t")...); got.code != 1 || got.stderr != "nginx: option \"--wait\" requires \"-s reload\"\n" {
		t.Errorf("with -t: %v", got)
	}
}

func readConf(t *testing.T, s *site) string {
	t.Helper()
	text, err := os.ReadFile(s.path("nginx.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// reloadAndWait runs "-s reload --wait", with its lines on standard error only.
func (s *site) reloadAndWait() result {
	s.t.Helper()
	return command(s.t, s.dir, binary, s.args("-e", "stderr", "-s", "reload", "--wait")...)
}

// wantUnreached checks that the command fails with the reason, after the words that each reason has.
func wantUnreached(t *testing.T, got result, reason string) {
	t.Helper()
	want := "[emerg] PID: cannot reach the running process: " + reason + "\n"
	if got.code != 1 || !strings.Contains(got.stderr, want) {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestReloadAndWaitWithoutProcess checks the reasons when there is no process to reload.
func TestReloadAndWaitWithoutProcess(t *testing.T) {
	s := newSite(t)
	wantUnreached(t, s.reloadAndWait(), `no process is known: open() "$DIR/n.pid" failed (2: No such file or directory)`)
	write(t, s.path("n.pid"), "none\n")
	wantUnreached(t, s.reloadAndWait(), `no process is known: invalid PID number "none" in "$DIR/n.pid"`)
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	write(t, s.path("n.pid"), fmt.Sprintln(ended.Process.Pid))
	wantUnreached(t, s.reloadAndWait(), fmt.Sprintf(`no process has the number %d of the pid file "$DIR/n.pid"`, ended.Process.Pid))
}

// TestReloadAndWaitForBusyPort reloads a configuration with an address that another program uses, and a wrong
// file: the running configuration stays.
func TestReloadAndWaitForBusyPort(t *testing.T) {
	s := newSite(t)
	s.front()
	s.wantLine(`\[notice\] PID: configuration generation 1 serves .*`)
	conf := readConf(t, s)
	l, err := net.Listen("tcp", ports.Reserve(t).String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s.configure("", l.Addr().String())
	want := "DATE [emerg] PID: still could not bind()\nDATE [emerg] PID: the configuration was not reloaded\n"
	if got := s.reloadAndWait(); got.code != 1 || !strings.Contains(got.stderr, "bind() to "+l.Addr().String()+" failed (98: Address already in use)\n") ||
		!strings.HasSuffix(got.stderr, want) {
		t.Errorf("got %v, want a line about bind() and %s", got, want)
	}
	write(t, s.path("nginx.conf"), strings.Replace(conf, "proxy_pass", "proxy_pas", 1))
	want = `[emerg] PID: unknown directive "proxy_pas" in $DIR/nginx.conf:5` + "\n"
	if got := s.reloadAndWait(); got.code != 1 || !strings.Contains(got.stderr, want) {
		t.Errorf("got %v, want %s", got, want)
	}
	s.dial(s.addr)
}

// TestReloadAndWaitOfOtherUser asks a process of root as another user.
func TestReloadAndWaitOfOtherUser(t *testing.T) {
	s, u := withUser(t, "")
	s.configure("")
	p := s.front()
	s.wantLine(`\[notice\] PID: configuration generation 1 serves .*`)
	if err := os.Chmod(s.path("nginx.conf"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantUnreached(t, s.reloadAs(u), fmt.Sprintf(
		`connect() to "$DIR/n.pid.sock" failed (13: Permission denied): run the command as root, or as the user of process %d`, p.pid))
}

// reloadAs runs "-s reload --wait" as a user. The program may be in a directory that is closed to the user.
func (s *site) reloadAs(u *user.User) result {
	s.t.Helper()
	program, err := os.Open(binary)
	if err != nil {
		s.t.Fatal(err)
	}
	defer program.Close()
	var ids [2]uint32
	for i, text := range []string{u.Uid, u.Gid} {
		id, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			s.t.Fatal(err)
		}
		ids[i] = uint32(id)
	}
	cmd := exec.Command("/proc/self/fd/3", s.args("-e", "stderr", "-s", "reload", "--wait")...)
	cmd.ExtraFiles = []*os.File{program}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ids[0], Gid: ids[1]}}
	var failed *exec.ExitError
	out, err := cmd.CombinedOutput()
	if err != nil && !errors.As(err, &failed) {
		s.t.Fatal(err)
	}
	return result{stderr: withoutRandomText(strings.ReplaceAll(string(out), s.dir, "$DIR")), code: cmd.ProcessState.ExitCode()}
}

// TestReloadAndWaitOfNginx asks the master process of nginx.
func TestReloadAndWaitOfNginx(t *testing.T) {
	path := installed.Program(t, "nginx", "nginx")
	s := newSite(t)
	write(t, s.path("nginx.conf"), "pid n.pid;\nerror_log e.log;\nevents {}\n")
	cmd := exec.Command(path, s.args("-g", "daemon off;", "-e", "e.log")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Signal(syscall.SIGTERM)
	testwait.Eventually(t, "the pid file", func() bool { return s.readPid() == cmd.Process.Pid })
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	wantUnreached(t, s.reloadAndWait(), fmt.Sprintf(`connect() to "$DIR/n.pid.sock" failed (2: No such file or directory): `+
		`process %d (%s) is not weir, or its error log has the reason`, cmd.Process.Pid, file))
}
