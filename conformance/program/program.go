// Package program runs a server program for black-box tests: weir, or nginx.
package program

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// Patience is the timeout for a condition. A busy machine may need much of it.
	Patience = time.Minute
	// pollInterval is the interval between checks of a condition.
	pollInterval = 5 * time.Millisecond
)

// Await polls until holds reports true, and fails the test on timeout.
func Await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	AwaitWithin(t, Patience, what, holds)
}

// AwaitWithin is like Await, with a limit of its own.
func AwaitWithin(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for end := time.Now().Add(limit); !holds(); <-poll.C {
		if time.Now().After(end) {
			t.Fatalf("timeout after %v: %s", limit, what)
		}
	}
}

// A Server is a running program.
type Server struct {
	Dir string // with its files

	cmd   *exec.Cmd
	ended chan struct{} // closed after the process has ended
}

// Start runs a program in dir with the text of a configuration and more options, and waits until it
// serves. It is killed at the end of the test.
func Start(t testing.TB, program, dir, text string, options ...string) *Server {
	t.Helper()
	return start(t, nil, program, dir, text, append(options, "-g", "daemon off; master_process off;"))
}

// StartWithWorkers is like Start. nginx gets worker processes.
func StartWithWorkers(t testing.TB, program, dir, text string, options ...string) *Server {
	t.Helper()
	return start(t, nil, program, dir, text, append(options, "-g", "daemon off;"))
}

// StartUnder is like StartWithWorkers, with a command that executes the program, such as ip netns exec.
func StartUnder(t testing.TB, command []string, program, dir, text string, options ...string) *Server {
	t.Helper()
	return start(t, command, program, dir, text, append(options, "-g", "daemon off;"))
}

func start(t testing.TB, command []string, program, dir, text string, options []string) *Server {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, configuration), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	options = append(options, "-p", dir, "-c", filepath.Join(dir, configuration), "-e", filepath.Join(dir, errorLog))
	return Launch(t, dir, slices.Concat(command, []string{program}, options), func(s *Server) bool {
		text, _ := os.ReadFile(s.Path("pid"))
		return strings.TrimSpace(string(text)) == strconv.Itoa(s.PID())
	})
}

const (
	configuration = "nginx.conf"
	errorLog      = "error.log"
)

// Launch runs a command, whose output is the file printed in dir, and waits until it is ready. It is killed
// at the end of the test.
func Launch(t testing.TB, dir string, command []string, ready func(*Server) bool) *Server {
	t.Helper()
	s := &Server{Dir: dir, ended: make(chan struct{})}
	s.cmd = exec.Command(command[0], command[1:]...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with the workers
	printed, err := os.Create(s.Path("printed"))
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
		syscall.Kill(-s.PID(), syscall.SIGKILL)
		<-s.ended
		if t.Failed() {
			t.Logf("output and error log:\n%s", s.logged())
		}
	})
	Await(t, command[0]+" to start", func() bool {
		if s.HasEnded() {
			t.Fatalf("%s has ended: %s", command[0], s.Read(t, "printed"))
		}
		return ready(s)
	})
	return s
}

// logged returns the ends of the output and of the error log, if there is one.
func (s *Server) logged() string {
	printed, _ := os.ReadFile(s.Path("printed"))
	log, _ := os.ReadFile(s.Path(errorLog))
	return tail(string(printed), 1000) + tail(string(log), 1000)
}

// Configure writes the configuration.
func (s *Server) Configure(t testing.TB, text string) {
	t.Helper()
	if err := os.WriteFile(s.Path(configuration), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Reload replaces the configuration, and waits until it is active.
func (s *Server) Reload(t testing.TB, text string) {
	t.Helper()
	s.Configure(t, text)
	before := s.Starts(t)
	s.Signal(t, syscall.SIGHUP)
	Await(t, "the reload", func() bool { return s.Starts(t) > before })
}

// Starts returns how many configurations have become active.
func (s *Server) Starts(t testing.TB) int {
	t.Helper()
	return strings.Count(s.Read(t, errorLog), ": start worker processes\n")
}

// Signal sends a signal to the process.
func (s *Server) Signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// PID returns the number of the process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// HasEnded reports whether the process has ended.
func (s *Server) HasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// Quit lets the sessions end, and then the process.
func (s *Server) Quit(t testing.TB) {
	t.Helper()
	s.Signal(t, syscall.SIGQUIT)
	Await(t, "the end of the process", s.HasEnded)
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the exit code is %d", code)
	}
}

// Descriptors returns how many descriptors the process has open.
func (s *Server) Descriptors(t testing.TB) int {
	t.Helper()
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// Memory returns the resident memory of the process in bytes.
func (s *Server) Memory(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID()))
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

// Path returns the path of a file in the directory of the program.
func (s *Server) Path(name string) string { return filepath.Join(s.Dir, name) }

// Read returns the text of a file in the directory of the program.
func (s *Server) Read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(s.Path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Settled waits until the sessions of an attack have ended and returns the number of descriptors. If
// want is not 0, it waits until no more than want are open.
func (s *Server) Settled(t testing.TB, want int) int {
	t.Helper()
	n, since := s.Descriptors(t), time.Now()
	Await(t, "the end of the sessions", func() bool {
		now := s.Descriptors(t)
		if now != n {
			n, since = now, time.Now()
		}
		return want != 0 && n <= want || want == 0 && time.Since(since) > time.Second
	})
	return n
}

// tail returns the last n bytes of a text.
func tail(text string, n int) string { return text[max(0, len(text)-n):] }
