package reliability

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/conformance/installed"
	"weir/conformance/program"
)

// A fault makes system calls of a running process fail, by strace.
type fault struct {
	t      *testing.T
	cmd    *exec.Cmd
	record string        // the file with the calls that have failed
	ended  chan struct{} // closed after strace has ended
}

// inject begins to let calls of the process fail. The calls are separated by commas.
func inject(t *testing.T, s *program.Server, errno, calls string) *fault {
	t.Helper()
	strace := installed.Program(t, "strace", "strace")
	f := &fault{t: t, record: t.TempDir() + "/calls", ended: make(chan struct{})}
	f.cmd = exec.Command(strace, "-f", "-qq", "-o", f.record, "-e", "trace="+calls, "-e", "inject="+calls+":error="+errno, "-p", fmt.Sprint(s.PID()))
	var printed bytes.Buffer
	f.cmd.Stderr = &printed
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		f.cmd.Wait()
		close(f.ended)
	}()
	t.Cleanup(func() {
		f.cmd.Process.Kill()
		<-f.ended
	})
	program.Await(t, "strace to attach", func() bool {
		select {
		case <-f.ended:
			t.Skipf("strace does not work here: %s", printed.String())
		default:
		}
		return traced(s.PID())
	})
	return f
}

// traced reports whether another process traces each thread of the process.
func traced(pid int) bool {
	dir := taskDir(pid)
	threads, _ := os.ReadDir(dir) // of a process that runs
	for _, one := range threads {
		if text, err := os.ReadFile(dir + "/" + one.Name() + "/status"); err == nil && strings.Contains(string(text), "\nTracerPid:\t0\n") {
			return false
		}
	}
	return len(threads) > 0
}

// count returns how many calls have failed.
func (f *fault) count() int {
	f.t.Helper()
	text, err := os.ReadFile(f.record)
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Count(string(text), "(INJECTED)")
}

// end lets the calls succeed again. The process is stopped meanwhile: a call from which strace detaches would
// fail with another error.
func (f *fault) end(s *program.Server) {
	f.t.Helper()
	s.Signal(f.t, syscall.SIGSTOP)
	program.Await(f.t, "all threads to stop", func() bool {
		text, err := os.ReadFile(f.record)
		threads, _ := os.ReadDir(taskDir(s.PID())) // of a process that runs
		return err == nil && strings.Count(string(text), "--- stopped by SIGSTOP ---") >= len(threads)
	})
	if err := f.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		f.t.Fatal(err)
	}
	<-f.ended
	s.Signal(f.t, syscall.SIGCONT)
}

// taskDir returns the directory of the threads of a process.
func taskDir(pid int) string { return fmt.Sprintf("/proc/%d/task", pid) }

// A fullTable is a moment at which the system's table of open files is full.
type fullTable struct {
	name   string
	calls  string // that fail
	line   string // in the log, with $PID for the number of the process
	repeat bool   // the line repeats as long as the table is full
}

var fullTables = []fullTable{
	{"before accept", "accept4,socket,pipe2,openat,epoll_create1,eventfd2", "[crit] $PID#$PID: accept4() failed (23: Too many open files in system)\n", true},
	{"after accept", "socket", "socket() failed (23: Too many open files in system)", false},
}

// callsPerSecond limits the calls of a loop that fail in a second: it must not try again all the time.
const callsPerSecond = 10

// waitingClients is how many clients connect while the table is full.
const waitingClients = 20

// TestFileTableIsFull lets the calls that make descriptors fail as they do while the system's table of open
// files is full. Open sessions continue, a reload changes nothing, and clients wait. They are served when
// the table has room.
func TestFileTableIsFull(t *testing.T) {
	for _, tt := range fullTables {
		t.Run(tt.name, tt.run)
	}
}

func (tt fullTable) run(t *testing.T) {
	s := newSite(t)
	s.start(balanced(0, threeBrokers(t)...))
	f := startFleet(t, s.addr, names("meter", scale(50, 1000)))
	f.round()
	before, line := s.usage(), strings.ReplaceAll(tt.line, "$PID", fmt.Sprint(s.PID()))
	table := inject(t, s.Server, "ENFILE", tt.calls)
	began := time.Now()
	waiting := s.connectLate(waitingClients)
	if tt.repeat {
		lines := scale(2, 10)
		program.Await(t, "the messages", func() bool { return s.lines(line) >= lines })
		s.Signal(t, syscall.SIGHUP)
		program.Await(t, "the message about the reload", func() bool { return s.lines("[emerg]") == 1 })
	}
	program.Await(t, "the message", func() bool { return s.lines(line) > 0 })
	f.round()
	n, failed, took := s.lines(line), table.count(), time.Since(began)
	table.end(s.Server)
	waiting.Wait()
	f.round()
	figure(t, "table of open files", "%s: full for %v with %d sessions: %d calls failed, %d lines; %d clients waited and were served", tt.name,
		took.Round(time.Millisecond), len(f.clients), failed, n, waitingClients)
	if most := loops * (int(took/time.Second) + 1); tt.repeat && (n > most || failed > callsPerSecond*most) {
		t.Errorf("%d calls failed in %v with %d lines, want %d a second and one line a second in each loop at most", failed, took, n, callsPerSecond)
	}
	s.awaitUsage(before)
	s.reload()
	f.halt()
	s.Quit(t)
}

// connectLate lets n clients connect, which may wait. Each must be served.
func (s *site) connectLate(n int) *sync.WaitGroup {
	var all sync.WaitGroup
	for _, id := range names("waiting", n) {
		all.Go(func() {
			c, err := connect(s.addr, id, "", program.Patience)
			if err == nil {
				err = c.leave()
			}
			if err != nil {
				s.t.Errorf("client %s: %v", id, err)
			}
		})
	}
	return &all
}
