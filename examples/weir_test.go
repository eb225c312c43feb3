package examples_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is the timeout for a condition in a test. A busy machine may need much of it.
const patience = time.Minute

// running is an example in preparation: its text, with addresses of this machine, and then the
// process.
type running struct {
	t    *testing.T
	dir  string // prefix of the process
	conf string // path of nginx.conf
	text string
	addr string // where weir listens
	logs string // path of the file for standard error and the error log
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// example reads the configuration of one example.
func example(t *testing.T, name string) *running {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(name, "nginx.conf"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &running{
		t: t, dir: dir, conf: filepath.Join(dir, "nginx.conf"), text: string(text), logs: filepath.Join(dir, "logs", "error.log"),
		done: make(chan struct{}),
	}
}

// replace replaces text that the example must contain.
func (e *running) replace(old, with string) {
	e.t.Helper()
	if !strings.Contains(e.text, old) {
		e.t.Fatalf("the example has no %q", old)
	}
	e.text = strings.ReplaceAll(e.text, old, with)
}

// listen replaces the port with a free address.
func (e *running) listen(port string) {
	e.t.Helper()
	e.addr = freeAddr(e.t)
	old := "listen " + port
	if !strings.Contains(e.text, old) {
		e.t.Fatalf("the example has no %q", old)
	}
	e.text = strings.ReplaceAll(e.text, old, "listen "+e.addr)
}

// brokers replaces 192.0.2.11:PORT and the following addresses.
func (e *running) brokers(port string, all []*broker) {
	e.t.Helper()
	for i, b := range all {
		e.replace(fmt.Sprintf("192.0.2.%d:%s", 11+i, port), b.addr)
	}
}

// mount writes the configuration as the kubelet writes a volume: nginx.conf is a link into a
// directory that is replaced as a whole.
func (e *running) mount() {
	e.t.Helper()
	version, err := os.MkdirTemp(e.dir, "..data_")
	if err != nil {
		e.t.Fatal(err)
	}
	write(e.t, filepath.Join(version, "nginx.conf"), e.text)
	next := filepath.Join(e.dir, "..data_tmp")
	if err := os.Symlink(filepath.Base(version), next); err != nil {
		e.t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(e.dir, "..data")); err != nil {
		e.t.Fatal(err)
	}
	if _, err := os.Lstat(e.conf); err == nil {
		return
	}
	if err := os.Symlink("..data/nginx.conf", e.conf); err != nil {
		e.t.Fatal(err)
	}
}

// start runs weir and returns once it accepts connections. It is stopped with the test.
func (e *running) start(switches ...string) {
	e.t.Helper()
	e.launch(nil, switches...)
	e.await("weir to listen on "+e.addr, func() bool { return accepts(e.addr) })
}

// launch runs weir by a command that replaces itself by the program that it is given; nil runs weir
// directly.
func (e *running) launch(command []string, switches ...string) {
	e.t.Helper()
	if _, err := os.Lstat(e.conf); err != nil {
		write(e.t, e.conf, e.text)
	}
	stderr, err := os.OpenFile(e.logs, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		e.t.Fatal(err)
	}
	defer stderr.Close()
	command = append(command, weirBinary, "-p", e.dir, "-c", e.conf, "-g", "daemon off; pid weir.pid;")
	command = append(command, switches...)
	e.cmd = exec.Command(command[0], command[1:]...)
	e.cmd.Stdout, e.cmd.Stderr = stderr, stderr
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	go func() {
		defer close(e.done)
		e.cmd.Wait()
	}()
	e.t.Cleanup(e.stop)
}

// stop ends the process and prints the log of a failed test. The log is checked before that, because on
// a busy machine an end in order may take longer than weir allows.
func (e *running) stop() {
	text, _ := os.ReadFile(e.logs)
	for _, level := range []string{"[emerg]", "[alert]"} {
		if strings.Contains(string(text), level) {
			e.t.Errorf("the error log has a line at level %s", level)
		}
	}
	e.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-e.done:
	case <-time.After(patience):
		e.cmd.Process.Kill()
		<-e.done
		e.t.Error("weir does not end on SIGTERM")
	}
	if e.t.Failed() {
		text, _ := os.ReadFile(e.logs)
		e.t.Logf("error log of weir:\n%s", text)
	}
}

// await waits for a condition and fails at once if weir has ended.
func (e *running) await(what string, ok func() bool) {
	e.t.Helper()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-e.done:
			e.t.Fatalf("waiting for %s: weir has ended with %v", what, e.cmd.ProcessState)
		case <-deadline:
			e.t.Fatalf("waited %v for %s", patience, what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// dial connects to weir. The connection is closed at the end of the test.
func (e *running) dial() net.Conn {
	e.t.Helper()
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { conn.Close() })
	return conn
}

// accepts reports whether a program listens on addr.
func accepts(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// Ports are taken from below the usual range for outgoing connections.
const (
	firstPort = 21000
	lastPort  = 24999
)

// nextPort is where the search for a free port continues: the random start separates processes that
// run at the same time.
var nextPort = firstPort + rand.IntN(lastPort-firstPort)

// freeAddr returns a free address of this machine, a different one each time.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range lastPort - firstPort {
		if nextPort++; nextPort > lastPort {
			nextPort = firstPort
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", nextPort))
		if err != nil {
			continue
		}
		defer l.Close()
		return l.Addr().String()
	}
	t.Fatalf("no free port between %d and %d", firstPort, lastPort)
	return ""
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
