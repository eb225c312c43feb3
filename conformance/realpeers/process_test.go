package realpeers

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/conformance/program"
)

// stopTimeout is how long a program may take to exit after a stop signal.
const stopTimeout = 20 * time.Second

// process is a program that the test started; it is stopped, by its pid, when the test ends. Its
// methods may be called concurrently.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	ended  chan struct{} // closed when the program has ended and all its output is read
	mu     sync.Mutex
	output bytes.Buffer // standard output and error
	rest   []byte       // the last, incomplete line
	onLine func(string)
}

// start runs a program and calls onLine, unless nil, for each line of its output.
func start(t *testing.T, onLine func(string), env []string, path string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(path, args...), ended: make(chan struct{}), onLine: onLine}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.WaitDelay = time.Second // a grandchild may keep the pipe open
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.reap()
	t.Cleanup(func() {
		p.stop(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("output of %s:\n%s", path, p.text())
		}
	})
	return p
}

// reap waits for the end.
func (p *process) reap() {
	defer close(p.ended)
	_ = p.cmd.Wait()
}

// Write records output of the program.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.output.Write(b)
	lines := strings.Split(string(append(p.rest, b...)), "\n")
	p.rest = []byte(lines[len(lines)-1])
	p.mu.Unlock()
	if p.onLine != nil {
		for _, line := range lines[:len(lines)-1] {
			p.onLine(line)
		}
	}
	return len(b), nil
}

// text returns the output so far.
func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// hasEnded reports whether the program has ended.
func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// awaitText waits until the output contains text, and fails at once if the program ends without it.
func (p *process) awaitText(t *testing.T, limit time.Duration, text string) {
	t.Helper()
	program.AwaitWithin(t, limit, text, func() bool {
		if p.hasEnded() && !strings.Contains(p.text(), text) {
			t.Fatalf("%v ended (%v) without saying %q", p.cmd.Args, p.cmd.ProcessState, text)
		}
		return strings.Contains(p.text(), text)
	})
}

// stop signals the program, unless it has ended, waits for its end and returns its exit code, -1
// after a signal. A program that ignores the signal is killed.
func (p *process) stop(sig syscall.Signal) int {
	if !p.hasEnded() {
		_ = p.cmd.Process.Signal(sig)
	}
	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	return p.cmd.ProcessState.ExitCode()
}
