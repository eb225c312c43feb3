package main

import (
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

// manage makes the programs that the test starts later services of a manager.
func (s *site) manage() manager {
	s.t.Helper()
	address := &net.UnixAddr{Name: s.path("notify"), Net: "unixgram"}
	c, err := net.ListenUnixgram("unixgram", address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	s.t.Setenv("NOTIFY_SOCKET", address.Name)
	s.t.Setenv("WATCHDOG_USEC", "20000")
	return manager{s.t, c}
}

// TestNoticesForSystemd receives what a service of type notify-reload with a watchdog sends.
func TestNoticesForSystemd(t *testing.T) {
	s := newSite(t)
	m := s.manage()
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
