package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A system is a Debian with systemd in a container, with the network of this machine.
type system struct {
	t      *testing.T
	dir    string
	leader string // the number of its first process
}

// suite is the Debian that the tests install the package on.
const suite = "trixie"

// bootSystem makes a Debian and boots it.
func bootSystem(t *testing.T) *system {
	t.Helper()
	s := &system{t: t, dir: filepath.Join(t.TempDir(), "root")}
	if out, err := exec.Command("mmdebstrap", "--variant=minbase", "--include=systemd,systemd-sysv,dbus,logrotate,lsb-base", suite, s.dir).CombinedOutput(); err != nil {
		t.Fatalf("NOT RUN: mmdebstrap: %v\n%s", err, out)
	}
	var console bytes.Buffer
	boot := exec.Command("systemd-nspawn", "--quiet", "--directory", s.dir, "--machine=weir-test", "--register=no", "--keep-unit", "--boot")
	boot.Stdout, boot.Stderr = &console, &console
	if err := boot.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { boot.Wait(); close(ended) }()
	t.Cleanup(func() {
		boot.Process.Signal(syscall.SIGTERM) // shuts the system down
		select {
		case <-ended:
		case <-time.After(patience):
			boot.Process.Kill()
			<-ended
		}
	})
	await(t, "the system to boot", func() error {
		select {
		case <-ended:
			t.Fatalf("NOT RUN: systemd-nspawn has ended:\n%s", console.Bytes())
		default:
		}
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", boot.Process.Pid))
		if err != nil || len(children) == 0 {
			return errors.Join(err, errors.New("no first process"))
		}
		s.leader = strings.Fields(string(children))[0]
		out, _ := s.command("systemctl", "is-system-running").Output()
		if state := strings.TrimSpace(string(out)); state != "running" && state != "degraded" {
			return fmt.Errorf("the system is %q", state)
		}
		return nil
	})
	return s
}

// command returns a command in the system.
func (s *system) command(args ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{"--target", s.leader, "--all", "--"}, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"}
	return cmd
}

// run runs a command in the system, and returns what it prints.
func (s *system) run(args ...string) string {
	s.t.Helper()
	out, err := s.command(args...).CombinedOutput()
	if err != nil {
		journal, _ := s.command("journalctl", "--no-pager", "--unit=weir", "--lines=30").CombinedOutput()
		s.t.Fatalf("%v: %v\n%s\n%s", args, err, out, journal)
	}
	return strings.TrimSpace(string(out))
}

// state returns what systemctl shows about weir.
func (s *system) state(question string) string {
	out, _ := s.command("systemctl", question, "weir").CombinedOutput()
	return strings.TrimSpace(string(out))
}

// property returns a property of the unit.
func (s *system) property(name string) string {
	s.t.Helper()
	return s.run("systemctl", "show", "--property="+name, "--value", "weir")
}

// path returns the path of a file of the system.
func (s *system) path(name string) string { return filepath.Join(s.dir, name) }

// install installs a package of this machine.
func (s *system) install(path string) {
	s.t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(s.path("var/tmp/weir.deb"), data, 0o644)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.run("apt-get", "install", "--yes", "--no-install-recommends", "/var/tmp/weir.deb")
}

// configure replaces texts of the configuration.
func (s *system) configure(oldnew ...string) {
	s.t.Helper()
	path := s.path("etc/weir/nginx.conf")
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(oldnew); i += 2 {
		if !bytes.Contains(text, []byte(oldnew[i])) {
			s.t.Fatalf("the configuration does not have %q:\n%s", oldnew[i], text)
		}
	}
	if err := os.WriteFile(path, []byte(strings.NewReplacer(oldnew...).Replace(string(text))), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// nextPackage writes a package of a higher version, and returns its path.
func nextPackage(t *testing.T) string {
	t.Helper()
	r, err := newRelease("../..", t.TempDir(), "The weir authors <weir@localhost>")
	if err != nil {
		t.Fatal(err)
	}
	major, rest, _ := strings.Cut(r.number, ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		t.Fatal(err)
	}
	r.number, r.prerelease = fmt.Sprintf("%d.%s", n+1, rest), ""
	target := machine(t)
	if r.binaries[target], err = r.build(target, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if err := r.pack(formats[0], target, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(r.out, "*.deb"))
	if err != nil || len(found) != 1 {
		t.Fatalf("packages: %q (%v)", found, err)
	}
	return found[0]
}

// debArch returns Debian's name of a processor.
func debArch(t target) string {
	if t.arch == "arm" {
		return "armhf"
	}
	return t.arch
}

// TestDebianPackage installs the package in a Debian with systemd, and takes it through the life of a service.
func TestDebianPackage(t *testing.T) {
	path := artifact(t, "weir_*_"+debArch(machine(t))+".deb")
	needs(t, true, "mmdebstrap", "systemd-nspawn", "nsenter")
	next := nextPackage(t)
	s := bootSystem(t)

	s.install(path)
	if s.state("is-enabled") != "disabled" || s.state("is-active") != "inactive" {
		t.Errorf("after the installation weir is %s and %s", s.state("is-enabled"), s.state("is-active"))
	}
	s.run("getent", "passwd", "weir")
	s.run("/usr/sbin/weir", "-t", "-c", "/etc/weir/nginx.conf", "-g", "pid /tmp/weir.pid;")

	addr, second := freeAddr(t), freeAddr(t)
	s.configure("127.0.0.1:1884", startBroker(t), "listen 1883;", "listen "+addr+";")
	s.run("systemctl", "enable", "--now", "weir")
	session := mustConnect(t, addr, "device-1")
	s.checkRights()
	s.checkUnit()

	s.configure("listen "+addr+";", "listen "+addr+"; listen "+second+";")
	s.checkReload()
	mustConnect(t, second, "device-2").Close()
	checkAlive(t, session, "a reload")
	s.checkRotation(second)
	s.checkWrongReload(second)

	process := s.property("MainPID")
	s.install(next)
	if got := s.property("MainPID"); got != process || s.state("is-active") != "active" {
		t.Errorf("the upgrade replaced the process %s with %s, which is %s", process, got, s.state("is-active"))
	}
	checkAlive(t, session, "an upgrade")
	mustConnect(t, second, "device-3").Close() // the changed configuration is still there
	session.Close()
	s.run("systemctl", "restart", "weir")
	mustConnect(t, second, "device-4").Close()
	s.checkWatchdog(second)
	s.checkActivation(second)

	s.run("apt-get", "remove", "--yes", "weir")
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("weir serves clients after its removal")
	}
	if _, err := os.Stat(s.path("etc/weir/nginx.conf")); err != nil {
		t.Errorf("the removal deletes the configuration: %v", err)
	}
	s.run("apt-get", "purge", "--yes", "weir")
	for _, name := range []string{"etc/weir", "var/log/weir", "etc/logrotate.d/weir", "etc/systemd/system/multi-user.target.wants/weir.service"} {
		if _, err := os.Lstat(s.path(name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the purge leaves %s (%v)", name, err)
		}
	}
}

func checkAlive(t *testing.T, c *client, event string) {
	t.Helper()
	if err := c.ping(); err != nil {
		t.Errorf("%s ended a session: %v", event, err)
	}
}

// checkRights checks that the process runs as its user, with one capability at most.
func (s *system) checkRights() {
	s.t.Helper()
	status := s.run("cat", "/proc/"+s.property("MainPID")+"/status")
	uid := s.run("id", "--user", "weir")
	if !strings.Contains(status, "\nUid:\t"+strings.Repeat(uid+"\t", 3)+uid+"\n") {
		s.t.Errorf("weir does not run as the user %s:\n%s", uid, status)
	}
	const netBindService = "0000000000000400"
	if !strings.Contains(status, "\nCapBnd:\t"+netBindService+"\n") {
		s.t.Errorf("weir has more capabilities than CAP_NET_BIND_SERVICE:\n%s", status)
	}
}

// checkRotation rotates the logs, and finds the next session in the new file.
func (s *system) checkRotation(addr string) {
	s.t.Helper()
	log := s.path("var/log/weir/access.log")
	await(s.t, "a session to be logged", func() error { return contains(log, "device-2") })
	s.run("logrotate", "--force", "/etc/logrotate.d/weir")
	if err := contains(log+".1", "device-2"); err != nil {
		s.t.Error(err)
	}
	await(s.t, "a session in the new log", func() error {
		mustConnect(s.t, addr, "rotated").Close()
		return contains(log, "rotated")
	})
}

func contains(path, text string) error {
	data, err := os.ReadFile(path)
	if err == nil && !bytes.Contains(data, []byte(text)) {
		err = fmt.Errorf("%s does not have %q", path, text)
	}
	return err
}
