package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"weir/internal/testwait"
)

// newBinaryEnv replaces the program by a script, sends USR2, and returns the environment that the script gets.
func (p *served) newBinaryEnv(program string) []string {
	p.t.Helper()
	write(p.t, p.path("script"), "#!/bin/sh\ncat /proc/$$/environ >"+p.path("environ.new")+" && mv "+p.path("environ.new")+" "+p.path("environ")+"\n")
	if err := os.Remove(program); err != nil {
		p.t.Fatal(err)
	}
	p.install(p.path("script"), "program")
	p.send(syscall.SIGUSR2)
	var text []byte
	testwait.Eventually(p.t, "the environment of the new binary", func() bool {
		text, _ = os.ReadFile(p.path("environ"))
		return len(text) > 0
	})
	testwait.Eventually(p.t, "the end of the new binary", func() bool { return p.pidIn("n.pid") == p.pid && p.pidIn("n.pid.oldbin") == 0 })
	if err := os.Remove(p.path("environ")); err != nil {
		p.t.Fatal(err)
	}
	return variables(text)
}

// variables returns the sorted variables of an environment, without the descriptors of the sockets and nginx's reserved space.
func variables(environ []byte) []string {
	all := strings.Split(strings.TrimRight(string(environ), "\x00"), "\x00")
	all = slices.DeleteFunc(all, func(v string) bool { return strings.HasPrefix(v, "NGINX=") || strings.HasPrefix(v, "SPARE=") })
	slices.Sort(all)
	return all
}

// setVariables sets variables of this process, which commands inherit.
func setVariables(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{"TZ": "UTC", "WEIR_TEST_KEPT": "a b", "WEIR_TEST_OTHER": "1", "WEIR_TEST_SECRET": "2"} {
		t.Setenv(name, value)
	}
}

// TestEnv upgrades weir and nginx: the new binary has TZ and the variables that env names or sets, also those of a reload.
func TestEnv(t *testing.T) {
	run := func(from string) func(*testing.T) {
		return func(t *testing.T) {
			setVariables(t)
			s := newSite(t)
			load := ""
			if from == nginx {
				load = "load_module " + nginxStream + "; "
			}
			s.configure(load + "env WEIR_TEST_KEPT; env \"WEIR_TEST_SET=c d\"; env WEIR_TEST_MISSING; env WEIR_TEST_OTHER=3;")
			program := s.install(from, "program")
			p := s.background(program)
			s.wantLine(`\[notice\] PID: start worker process \d+`) // nginx may miss earlier signals
			want := []string{"TZ=UTC", "WEIR_TEST_KEPT=a b", "WEIR_TEST_OTHER=3", "WEIR_TEST_SET=c d"}
			if got := p.newBinaryEnv(program); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			s.configure(load + "env TZ=CET; env WEIR_TEST_OTHER;")
			p.send(syscall.SIGHUP)
			s.wantLine(`\[notice\] PID: reconfiguring`)
			s.wantLine(`\[notice\] PID: gracefully shutting down`)
			if got, want := p.newBinaryEnv(program), []string{"TZ=CET", "WEIR_TEST_OTHER=1"}; !slices.Equal(got, want) {
				t.Errorf("after a reload: got %q, want %q", got, want)
			}
		}
	}
	t.Run("weir", run(binary))
	t.Run("nginx", func(t *testing.T) {
		needNginx(t)
		run(nginx)(t)
	})
}

// TestEnvOfSystemdAndGo checks that a new binary keeps what systemd and the Go runtime need.
func TestEnvOfSystemdAndGo(t *testing.T) {
	setVariables(t)
	s := newSite(t)
	want := []string{
		"GODEBUG=madvdontneed=1", "GOGC=90", "GOMAXPROCS=2", "GOMEMLIMIT=1GiB", "GOTRACEBACK=all",
		"NOTIFY_SOCKET=" + s.path("none"), "TZ=UTC", "WATCHDOG_PID=1", "WATCHDOG_USEC=30000000",
	}
	for _, v := range want {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	program := s.install(binary, "program")
	if got := s.background(program).newBinaryEnv(program); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEnvWithUser reads the environment of the serving process, and of a new binary that its parent starts. A reload may name further
// variables, but not set them.
func TestEnvWithUser(t *testing.T) {
	s, _ := withUser(t, "")
	setVariables(t)
	user, _, _ := strings.Cut(readText(t, s.path("nginx.conf")), "\n")
	s.configure(user + "env WEIR_TEST_KEPT; env WEIR_TEST_SET=c;")
	s.secure()
	program := s.install(binary, "program")
	p := s.background(program)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.child()))
	if err != nil {
		t.Fatal(err)
	}
	got := slices.DeleteFunc(variables(text), func(v string) bool {
		return !strings.HasPrefix(v, "TZ=") && !strings.HasPrefix(v, "WEIR_TEST_")
	})
	want := []string{"TZ=UTC", "WEIR_TEST_KEPT=a b", "WEIR_TEST_SET=c"}
	if !slices.Equal(got, want) {
		t.Errorf("the serving process has %q, want %q", got, want)
	}
	if strings.Contains(string(text), "PATH=") {
		t.Errorf("the serving process has PATH: %q", text)
	}
	if got := p.newBinaryEnv(program); !slices.Equal(got, want) {
		t.Errorf("the new binary has %q, want %q", got, want)
	}
	s.configure(user + "env WEIR_TEST_OTHER; env WEIR_TEST_SET=c;")
	p.send(syscall.SIGHUP)
	s.wantLine(`\[notice\] PID: configuration generation 2 serves .*`)
	if got, want := p.newBinaryEnv(program), []string{"TZ=UTC", "WEIR_TEST_OTHER=1", "WEIR_TEST_SET=c"}; !slices.Equal(got, want) {
		t.Errorf("after a reload the new binary has %q, want %q", got, want)
	}
	s.configure(user + "env LD_PRELOAD=a.so;")
	p.send(syscall.SIGHUP)
	s.wantLine(`\[warn\] PID: the values that "env" sets change with the next start only`)
}
