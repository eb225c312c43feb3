package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/conformance/ports"
	"weir/internal/testwait"
)

// A site is a directory with an nginx.conf that proxies to an echo server.
type site struct {
	t    *testing.T
	dir  string
	echo string // address of the server
	addr string // the configuration listens on it
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), addr: ports.Reserve(t).String()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s.echo = l.Addr().String()
	go serveEcho(l)
	s.configure("")
	return s
}

func serveEcho(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			io.Copy(c, c)
		}()
	}
}

// configure writes nginx.conf, with additional directives at its main level and additional addresses.
func (s *site) configure(more string, addrs ...string) {
	s.t.Helper()
	listen := "listen " + strings.Join(append(addrs, s.addr), "; listen ") + ";"
	write(s.t, s.path("nginx.conf"), fmt.Sprintf("%s\npid n.pid;\nerror_log e.log info;\nevents {}\nstream { server { %s proxy_pass %s; } }\n",
		more, listen, s.echo))
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

// args returns the command line for the site, with additional arguments.
func (s *site) args(more ...string) []string {
	return append([]string{"-p", s.dir, "-c", "nginx.conf"}, more...)
}

// served is a site with a process.
type served struct {
	*site
	cmd *exec.Cmd // nil for a daemon
	pid int
}

// front serves the site in the foreground until the test ends.
func (s *site) front(more ...string) *served {
	s.t.Helper()
	cmd := exec.Command(binary, s.args(append(more, "-g", "daemon off;")...)...)
	var err error
	if cmd.Stderr, err = os.Create(s.path("stderr")); err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	p := &served{s, cmd, cmd.Process.Pid}
	testwait.Eventually(s.t, "pid file", func() bool { return s.readPid() == p.pid })
	return p
}

// readPid returns the number in the pid file; 0 without one.
func (s *site) readPid() int {
	text, _ := os.ReadFile(s.path("n.pid"))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// log returns the error log without dates and process numbers.
func (s *site) log() string {
	text, _ := os.ReadFile(s.path("e.log"))
	return withoutRandomText(string(text))
}

func (s *site) wantLine(pattern string) {
	s.t.Helper()
	line := regexp.MustCompile(`(?m)^DATE ` + pattern + `$`)
	testwait.Eventually(s.t, "line "+pattern, func() bool { return line.MatchString(s.log()) })
}

// control runs weir -s.
func (s *site) control(word string) {
	s.t.Helper()
	if got := command(s.t, s.dir, binary, s.args("-s", word)...); got.code != 0 {
		s.t.Fatalf("-s %s: %v", word, got)
	}
}

// ping sends a byte through c and waits until it returns.
func (s *site) ping(c net.Conn) {
	s.t.Helper()
	c.SetDeadline(time.Now().Add(testwait.Patience))
	if _, err := c.Write([]byte("x")); err != nil {
		s.t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) dial(addr string) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	s.ping(c)
	return c
}

// wantExit waits until the foreground process exits.
func (p *served) wantExit(code int) {
	p.t.Helper()
	timer := time.AfterFunc(testwait.Patience, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	p.cmd.Wait()
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("got exit code %d, want %d", got, code)
	}
	if got := p.readPid(); got != 0 {
		p.t.Errorf("the pid file still holds %d", got)
	}
}

func TestProcessLooksLikeNginx(t *testing.T) {
	p := newSite(t).front()
	proc := func(name string) string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.pid, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got, want := proc("comm"), "nginx\n"; got != want {
		t.Errorf("comm: got %q, want %q", got, want)
	}
	want := "nginx: master process " + binary + " -p " + p.dir + " -c nginx.conf -g daemon off; "
	if got := strings.ReplaceAll(proc("cmdline"), "\x00", " "); got != want {
		t.Errorf("title: got %q, want %q", got, want)
	}
	for _, line := range []string{
		`\[notice\] PID: using the "epoll" event method`, `\[notice\] PID: nginx/[.0-9]+ \(compatible\)`,
		`\[notice\] PID: OS: Linux .*`, `\[notice\] PID: getrlimit\(RLIMIT_NOFILE\): \d+:\d+`,
		`\[notice\] PID: start worker processes`, `\[notice\] PID: start worker process \d+`,
	} {
		p.wantLine(line)
	}
}

func TestReloadBySignalKeepsSessions(t *testing.T) {
	p := newSite(t).front()
	c := p.dial(p.addr)
	p.addr = ports.Reserve(t).String()
	p.configure("")
	p.control("reload")
	p.wantLine(`\[notice\] PID: signal 1 \(SIGHUP\) received, reconfiguring`)
	p.wantLine(`\[notice\] PID: reconfiguring`)
	p.wantLine(`\[notice\] PID: gracefully shutting down`)
	p.wantLine(`\[notice\] PID: configuration generation 2 serves after .*, sessions on older configurations: 1`)
	p.dial(p.addr)
	p.ping(c)
	c.Close()
	p.wantLine(`\[notice\] PID: worker process \d+ exited with code 0`)
	if got := p.readPid(); got != p.pid {
		t.Errorf("got process %d, want still %d", got, p.pid)
	}
}

func TestBadReloadKeepsServing(t *testing.T) {
	p := newSite(t).front()
	c := p.dial(p.addr)
	p.configure("foo;")
	p.send(syscall.SIGHUP)
	p.wantLine(`\[emerg\] PID: unknown directive "foo" in ` + regexp.QuoteMeta(p.path("nginx.conf")) + ":1")
	p.ping(c)
	p.dial(p.addr)
}

// send sends a signal, as kill does.
func (p *served) send(s syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(p.pid, s); err != nil {
		p.t.Fatal(err)
	}
}

func TestQuitWaitsForSessions(t *testing.T) {
	p := newSite(t).front()
	c := p.dial(p.addr)
	p.control("quit")
	p.wantLine(`\[notice\] PID: gracefully shutting down`)
	p.ping(c)
	c.Close()
	p.wantExit(0)
	p.wantLine(`\[notice\] PID: exit`)
}

func TestStopClosesSessions(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			p := newSite(t).front()
			c := p.dial(p.addr)
			p.send(s)
			p.wantExit(0)
			c.SetDeadline(time.Now().Add(testwait.Patience))
			if _, err := c.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
				t.Errorf("got %v, want an end", err)
			}
		})
	}
}

func TestQuitThenStop(t *testing.T) {
	p := newSite(t).front()
	p.dial(p.addr)
	p.control("quit")
	p.wantLine(`\[notice\] PID: gracefully shutting down`)
	p.control("stop")
	p.wantExit(0)
}

func TestReopenBySignal(t *testing.T) {
	p := newSite(t).front()
	if err := os.Rename(p.path("e.log"), p.path("e.log.1")); err != nil {
		t.Fatal(err)
	}
	p.control("reopen")
	line := regexp.MustCompile(`(?m)^DATE \[info\] PID: \*\d+ client .* connected to .*$`)
	testwait.Eventually(t, "a line in a new log", func() bool {
		p.dial(p.addr).Close() // the file exists before it is written to
		return line.MatchString(p.log())
	})
}

func TestSignalsWithoutEffectAreIgnored(t *testing.T) {
	p := newSite(t).front()
	p.send(syscall.SIGWINCH)
	p.send(syscall.SIGPIPE)
	p.wantLine(`\[notice\] PID: signal 28 \(SIGWINCH\) received`)
	p.dial(p.addr)
}

func TestChangedFileIsReloaded(t *testing.T) {
	p := newSite(t).front("-watch")
	c := p.dial(p.addr)
	p.addr = ports.Reserve(t).String()
	p.configure("")
	p.wantLine(`\[notice\] PID: configuration changed on disk`)
	p.wantLine(`\[notice\] PID: configuration generation 2 serves .*`)
	p.dial(p.addr)
	p.ping(c)
}

func TestDaemonServesWhenItsParentExits(t *testing.T) {
	s := newSite(t)
	if got, want := command(t, s.dir, binary, s.args()...), (result{}); got != want {
		t.Fatalf("got\n%v\nwant\n%v", got, want)
	}
	pid := s.readPid()
	if pid == 0 {
		t.Fatal("no pid file")
	}
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
	s.dial(s.addr)
	if sid, err := unix.Getsid(pid); err != nil || sid != pid {
		t.Errorf("session: got %d, %v, want its own", sid, err)
	}
	for fd, want := range map[int]string{0: "/dev/null", 1: "/dev/null", 2: s.path("e.log")} {
		if got, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd)); got != want {
			t.Errorf("descriptor %d: got %s, want %s", fd, got, want)
		}
	}
	s.control("stop")
	testwait.Eventually(t, "its end", func() bool { return s.readPid() == 0 })
}

// TestAddressInUse runs weir and nginx, which must print the same.
func TestAddressInUse(t *testing.T) {
	s := newSite(t)
	taken, err := net.Listen("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	bind := "bind() to " + s.addr + " failed (98: Address already in use)\n"
	wantStart := result{stderr: strings.Repeat("nginx: [emerg] "+bind, 5) + "nginx: [emerg] still could not bind()\n", code: 1}
	wantLog := strings.Repeat("DATE [emerg] PID: "+bind+"DATE [notice] PID: try again to bind() after 500ms\n", 5) +
		"DATE [emerg] PID: still could not bind()\n"
	ok := "nginx: the configuration file $DIR/nginx.conf syntax is ok\nnginx: configuration file $DIR/nginx.conf test is successful\n"

	run := func(program string, more ...string) func(*testing.T) {
		return func(t *testing.T) {
			os.Remove(s.path("e.log"))
			if got, want := command(t, s.dir, program, s.args(append(more, "-t")...)...), (result{stderr: ok}); got != want {
				t.Errorf("-t: got\n%v\nwant\n%v", got, want)
			}
			if got := command(t, s.dir, program, s.args(more...)...); got != wantStart {
				t.Errorf("start: got\n%v\nwant\n%v", got, wantStart)
			}
			if got := s.log(); got != wantLog {
				t.Errorf("log: got\n%s\nwant\n%s", got, wantLog)
			}
		}
	}
	t.Run("weir", run(binary))
	t.Run("nginx", func(t *testing.T) {
		needNginx(t)
		run(nginx, "-g", "load_module "+nginxStream+";")(t)
	})
}

func TestReloadsLeakNoDescriptor(t *testing.T) {
	p := newSite(t).front()
	second := ports.Reserve(t).String()
	count := func() int {
		all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.pid))
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	c := p.dial(p.addr)
	before := count() - 2 // without the session's
	for i := range 40 {
		p.configure("")
		if i%2 == 0 {
			p.configure("", second)
		}
		p.send(syscall.SIGHUP)
		p.wantLine(fmt.Sprintf(`\[notice\] PID: configuration generation %d serves .*`, i+2))
		p.dial(p.addr).Close()
	}
	p.ping(c)
	c.Close()
	testwait.Eventually(t, "descriptors as before", func() bool { return count() <= before })
}
