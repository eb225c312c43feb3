package conformance

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience is the timeout for anything that should happen at once. A busy machine may need much of it,
// and it is less than the timeouts of nginx's defaults.
const patience = 20 * time.Second

// pollEvery is the interval between checks of a condition.
const pollEvery = 5 * time.Millisecond

// A process is a subject that serves in the foreground. The script that started it owns it.
type process struct {
	cmd  *exec.Cmd
	out  string        // the file with its output
	done chan struct{} // closed when it has exited
}

// startProcess starts the subject and waits until its pid file contains its pid: then its sockets
// are bound.
func startProcess(cmd *exec.Cmd, dir, conf string) (*process, error) {
	out, err := os.Create(filepath.Join(dir, "printed"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, out: out.Name(), done: make(chan struct{})}
	go p.reap()
	pid := filepath.Join(dir, pidFile(filepath.Join(dir, conf)))
	if err := p.ready(pid); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// reap waits for the end of the process.
func (p *process) reap() {
	p.cmd.Wait()
	close(p.done)
}

func (p *process) ready(pidPath string) error {
	want := strconv.Itoa(p.cmd.Process.Pid)
	return poll(func() error {
		if p.exited() {
			return fatal{fmt.Errorf("exited at start (%v): %s", p.cmd.ProcessState, p.printed())}
		}
		got, err := os.ReadFile(pidPath)
		if err != nil {
			return err
		}
		if strings.TrimSpace(string(got)) != want {
			return fmt.Errorf("pid file %s holds %q, want %s", pidPath, got, want)
		}
		return nil
	})
}

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *process) printed() string {
	b, _ := os.ReadFile(p.out)
	return string(b)
}

// awaitExit waits for the process to exit by itself and compares its exit code.
func (p *process) awaitExit(code int) error {
	select {
	case <-p.done:
	case <-time.After(patience):
		return fmt.Errorf("still running after %v", patience)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		return fmt.Errorf("exit code %d, want %d", got, code)
	}
	return nil
}

// kill ends the process and every process of its group, such as nginx's workers.
func (p *process) kill() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

var pidLine = regexp.MustCompile(`(?m)^pid\s+([^;]+);`)

// pidFile returns the pid file path from the configuration, or the runner's default.
func pidFile(conf string) string {
	text, _ := os.ReadFile(conf)
	if m := pidLine.FindSubmatch(text); m != nil {
		return string(m[1])
	}
	return "nginx.pid"
}

// A fatal error ends a poll early: waiting longer cannot help.
type fatal struct{ error }

// poll calls check until it returns nil, and returns its last error after patience.
func poll(check func() error) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(pollEvery) {
		err := check()
		if err == nil {
			return nil
		}
		if errors.As(err, new(fatal)) || time.Now().After(deadline) {
			return err
		}
	}
}
