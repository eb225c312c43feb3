package handshakes

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/conformance/authority"
)

const (
	// patience is the timeout for a condition. A busy machine may need much of it.
	patience = time.Minute
	// pollInterval is the interval between checks of a condition.
	pollInterval = 5 * time.Millisecond
)

// await polls until holds reports true, and fails the test on timeout.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for end := time.Now().Add(patience); !holds(); <-poll.C {
		if time.Now().After(end) {
			t.Fatalf("timeout after %v: %s", patience, what)
		}
	}
}

// A server is a running weir, or nginx.
type server struct {
	dir   string
	cmd   *exec.Cmd
	ended chan struct{} // closed after the process has ended
}

// start runs a program with the body of a stream block and more options, in dir. It is killed at the
// end of the test.
func start(t *testing.T, program, dir, body string, options ...string) *server {
	t.Helper()
	s := &server{dir: dir, ended: make(chan struct{})}
	s.configure(t, body)
	options = append(options, "-p", dir, "-c", s.path("nginx.conf"), "-e", s.path("error.log"), "-g", "daemon off; master_process off;")
	s.cmd = exec.Command(program, options...)
	printed, err := os.Create(s.path("printed"))
	if err != nil {
		t.Fatal(err)
	}
	defer printed.Close()
	s.cmd.Stdout, s.cmd.Stderr = printed, printed
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		<-s.ended
		if t.Failed() {
			t.Logf("error log:\n%s", tail(s.read(t, "error.log"), 1000))
		}
	})
	await(t, "the pid file", func() bool {
		if s.hasEnded() {
			t.Fatalf("%s has ended: %s", program, s.read(t, "printed"))
		}
		text, _ := os.ReadFile(s.path("pid"))
		return strings.TrimSpace(string(text)) == strconv.Itoa(s.cmd.Process.Pid)
	})
	return s
}

// startWeir runs weir.
func startWeir(t *testing.T, dir, body string, options ...string) *server {
	t.Helper()
	return start(t, weirBinary, dir, body, options...)
}

// configure writes the configuration.
func (s *server) configure(t *testing.T, body string) {
	t.Helper()
	text := "worker_processes 2;\npid pid;\nerror_log error.log info;\nevents { worker_connections 16384; }\nstream {\n" + body + "\n}\n"
	if err := os.WriteFile(s.path("nginx.conf"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// reload replaces the configuration, and waits until it is active.
func (s *server) reload(t *testing.T, body string) {
	t.Helper()
	s.configure(t, body)
	before := s.starts(t)
	s.signal(t, syscall.SIGHUP)
	await(t, "the reload", func() bool { return s.starts(t) > before })
}

// starts returns how many configurations have become active.
func (s *server) starts(t *testing.T) int {
	t.Helper()
	return strings.Count(s.read(t, "error.log"), ": start worker processes\n")
}

func (s *server) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

func (s *server) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// quit lets the sessions end, and then the process.
func (s *server) quit(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGQUIT)
	await(t, "the end of the process", s.hasEnded)
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the exit code is %d", code)
	}
}

// descriptors returns how many descriptors the process has open.
func (s *server) descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// memory returns the resident memory of the process in bytes.
func (s *server) memory(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	var kib int
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatalf("VmRSS: %v", err)
	}
	return kib << 10
}

func (s *server) path(name string) string { return filepath.Join(s.dir, name) }

func (s *server) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(s.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tail returns the last n bytes of a text.
func tail(text string, n int) string { return text[max(0, len(text)-n):] }

// newAuthority returns an authority with files in dir.
func newAuthority(t *testing.T, dir, name string) *authority.Authority {
	t.Helper()
	a, err := authority.New(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// pair returns the certificate that a call has made.
func pair(t *testing.T) func(authority.Pair, error) authority.Pair {
	t.Helper()
	return func(p authority.Pair, err error) authority.Pair {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}
