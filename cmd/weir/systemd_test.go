package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/internal/testwait"
)

// A manager receives the notices of a service.
type manager struct {
	t *testing.T
	c *net.UnixConn
}

// want waits for a notice.
func (m manager) want(pattern string) {
	m.t.Helper()
	wanted := regexp.MustCompile("^" + pattern + "$")
	m.c.SetReadDeadline(time.Now().Add(testwait.Patience))
	for buf := make([]byte, 1024); ; {
		n, err := m.c.Read(buf)
		if err != nil {
			m.t.Fatalf("no notice %s: %v", pattern, err)
		}
		if wanted.Match(buf[:n]) {
			return
		}
		if string(buf[:n]) != "WATCHDOG=1" {
			m.t.Errorf("got the notice %q, want %s", buf[:n], pattern)
		}
	}
}

// TestNoticesForSystemd receives what a service of type notify-reload with a watchdog sends.
func TestNoticesForSystemd(t *testing.T) {
	s := newSite(t)
	address := &net.UnixAddr{Name: s.path("notify"), Net: "unixgram"}
	c, err := net.ListenUnixgram("unixgram", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m := manager{t, c}
	t.Setenv("NOTIFY_SOCKET", address.Name)
	t.Setenv("WATCHDOG_USEC", "20000")
	p := s.front()
	m.want("READY=1")
	m.want("WATCHDOG=1")
	p.send(syscall.SIGHUP)
	m.want(`RELOADING=1\nMONOTONIC_USEC=\d+`)
	m.want("READY=1")
	p.send(syscall.SIGQUIT)
	m.want("STOPPING=1")
	p.wantExit(0)
}

// TestSocketActivation starts weir with a socket that it could not open itself.
func TestSocketActivation(t *testing.T) {
	s := newSite(t)
	config := net.ListenConfig{}
	config.SetMultipathTCP(false)
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s.addr = l.Addr().String()
	s.configure("")
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", `LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=mqtt exec "$0" "$@"`, binary},
		s.args("-g", "daemon off;")...)...)
	cmd.ExtraFiles = []*os.File{file}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	s.wantLine(`\[notice\] PID: configuration generation 1 serves .*`)
	if log := s.log(); strings.Contains(log, "bind()") {
		t.Errorf("got\n%s", log)
	}
	s.dial(s.addr).Close()
	p := &served{s, cmd, cmd.Process.Pid}
	p.send(syscall.SIGTERM)
	p.wantExit(0)
}

// TestReloadAndWait asks for reloads that succeed and fail.
func TestReloadAndWait(t *testing.T) {
	s := newSite(t)
	wait := func() result { return command(t, s.dir, binary, s.args("-e", "e.log", "-s", "reload", "--wait")...) }
	if got := wait(); got.code != 1 || !strings.Contains(got.stderr, "cannot reach the running process") {
		t.Errorf("without a process: %v", got)
	}
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
