package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// checkUnit checks the installed unit with the systemd that runs it.
func (s *system) checkUnit() {
	s.t.Helper()
	const most = "20" // tenths
	s.t.Log(lastLine(s.run("systemd-analyze", "security", "--threshold="+most, "weir.service")))
	if said := s.run("systemd-analyze", "verify", "--man=no", "weir.service"); said != "" {
		s.t.Errorf("systemd-analyze verify: %s", said)
	}
	if got := s.property("Type"); got != "notify-reload" {
		s.t.Errorf("the type is %s", got)
	}
}

// messages returns the lines of the journal about weir, without the numbers of processes.
func (s *system) messages() string {
	s.t.Helper()
	return processNumber.ReplaceAllString(s.run("journalctl", "--no-pager", "--output=cat", "--unit=weir"), "")
}

var processNumber = regexp.MustCompile(`\d+#\d+: `)

// journal counts the lines about weir that contain a text.
func (s *system) journal(text string) int {
	s.t.Helper()
	return strings.Count(s.messages(), text)
}

// checkReload checks that systemctl reload loads the configuration once.
func (s *system) checkReload() {
	s.t.Helper()
	process, before := s.property("MainPID"), s.journal("configuration generation")
	s.run("systemctl", "reload", "weir")
	await(s.t, "the lines of a reload", func() error {
		if n := s.journal("configuration generation"); n != before+1 {
			return fmt.Errorf("%d configurations, after %d", n, before)
		}
		return nil
	})
	if got := s.property("MainPID"); got != process || s.state("is-active") != "active" {
		s.t.Errorf("after a reload the process is %s, after %s, and %s", got, process, s.state("is-active"))
	}
}

// checkWrongReload checks that a reload of a wrong configuration fails with the reason, and leaves the running one in place. The
// command finds the first mistake, and only the process can find the second one.
func (s *system) checkWrongReload(addr string) {
	s.t.Helper()
	s.tryWrong(addr, "proxy_timeout 10m;", "proxy_timeout wrong;", "\"proxy_timeout\" directive invalid value in /etc/weir/nginx.conf")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	defer taken.Close()
	s.tryWrong(addr, "listen "+addr+";", "listen "+addr+"; listen "+taken.Addr().String()+";", "[emerg] the configuration was not reloaded")
	s.checkReload()
}

// tryWrong reloads a wrong configuration, and restores it.
func (s *system) tryWrong(addr, right, wrong, reason string) {
	s.t.Helper()
	process := s.property("MainPID")
	s.configure(right, wrong)
	if out, err := s.command("systemctl", "reload", "weir").CombinedOutput(); err == nil {
		s.t.Errorf("systemctl reload accepts a wrong configuration: %s", out)
	}
	if !strings.Contains(s.messages(), reason) {
		s.t.Errorf("the journal does not have %q:\n%s", reason, s.messages())
	}
	if got := s.property("MainPID"); got != process || s.state("is-active") != "active" {
		s.t.Errorf("after a wrong reload the process is %s, after %s, and %s", got, process, s.state("is-active"))
	}
	mustConnect(s.t, addr, "after-a-mistake").Close()
	s.configure(wrong, right)
}

// override changes the unit.
func (s *system) override(lines ...string) {
	s.t.Helper()
	s.write("etc/systemd/system/weir.service.d/test.conf", append([]string{"[Service]"}, lines...)...)
	s.run("systemctl", "daemon-reload")
	s.run("systemctl", "reset-failed", "weir") // the test starts it more often than systemd permits
}

// write writes a file of the system.
func (s *system) write(name string, lines ...string) {
	s.t.Helper()
	err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755)
	if err == nil {
		err = os.WriteFile(s.path(name), []byte(strings.Join(lines, "\n")+"\n"), 0o644)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// checkWatchdog checks that systemd replaces a process that does nothing, and not one that works.
func (s *system) checkWatchdog(addr string) {
	s.t.Helper()
	s.override("WatchdogSec=1")
	s.run("systemctl", "restart", "weir")
	process := s.property("MainPID")
	notices := s.watchdogTime()
	await(s.t, "notices for three times the limit", func() error {
		if now := s.watchdogTime(); now < notices+3*time.Second {
			return fmt.Errorf("the last notice is of %v, the first of %v", now, notices)
		}
		return nil
	})
	if got := s.property("MainPID"); got != process {
		s.t.Errorf("the watchdog has ended a process that works")
	}
	s.run("systemctl", "kill", "--signal=STOP", "weir")
	await(s.t, "another process", func() error {
		if got := s.property("MainPID"); got == process || got == "0" || s.state("is-active") != "active" {
			return fmt.Errorf("the process is %s, and %s", got, s.state("is-active"))
		}
		return nil
	})
	if s.journal("Watchdog timeout") == 0 {
		s.t.Error("the process was not ended by the watchdog")
	}
	mustConnect(s.t, addr, "after-the-watchdog").Close()
}

// watchdogTime returns the time of the last notice for the watchdog, since the system has started.
func (s *system) watchdogTime() time.Duration {
	s.t.Helper()
	n, err := strconv.ParseInt(s.property("WatchdogTimestampMonotonic"), 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return time.Duration(n) * time.Microsecond
}

// checkActivation serves a port below 1024 of a socket unit, without any capability.
func (s *system) checkActivation(addr string) {
	s.t.Helper()
	s.run("systemctl", "stop", "weir")
	low := lowAddr(s.t)
	s.write("etc/systemd/system/weir.socket", "[Socket]", "ListenStream="+low)
	s.override("AmbientCapabilities=", "CapabilityBoundingSet=")
	s.configure("listen "+addr+";", "listen "+addr+"; listen "+low+";")
	s.run("systemctl", "start", "weir.socket")
	c := mustConnect(s.t, low, "activated") // starts the service
	status := s.run("cat", "/proc/"+s.property("MainPID")+"/status")
	for _, set := range []string{"CapBnd", "CapEff", "CapAmb"} {
		if !strings.Contains(status, "\n"+set+":\t0000000000000000\n") {
			s.t.Errorf("weir has capabilities:\n%s", status)
		}
	}
	s.checkReload()
	checkAlive(s.t, c, "a reload")
	mustConnect(s.t, low, "after-a-reload").Close()
	mustConnect(s.t, addr, "beside").Close()
	c.Close()
	s.run("systemctl", "stop", "weir.socket", "weir")
	s.configure("listen "+addr+"; listen "+low+";", "listen "+addr+";")
	s.override()
	s.run("systemctl", "start", "weir")
}

// lowAddr returns a free address with a port that needs a right.
func lowAddr(t *testing.T) string {
	t.Helper()
	for port := 1023; port > 900; port-- {
		addr := fmt.Sprintf("127.77.1.2:%d", port)
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}
