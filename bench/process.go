//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"weir/bench/proc"
)

// patience is the timeout for a process to start, to become quiet or to end.
const patience = 20 * time.Second

// A process is a subject that serves.
type process struct {
	cmd   *exec.Cmd
	log   string        // the file with its output
	ended chan struct{} // closed when the process has ended
}

// start starts a subject and waits until it listens and is quiet. It must be called from the
// program's first thread: the process is killed when its parent thread exits.
func start(ctx context.Context, s *subject, at site) (*process, error) {
	args, err := s.write(at)
	if err != nil {
		return nil, err
	}
	p, err := launch(s.bin, args, at.Dir)
	if err != nil {
		return nil, err
	}
	if err := p.ready(ctx, at.Listen); err != nil {
		p.stop()
		return nil, fmt.Errorf("%w\n%s", err, p.printed())
	}
	return p, nil
}

func launch(bin string, args []string, dir string) (*process, error) {
	out, err := os.Create(filepath.Join(dir, "printed"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &process{cmd: exec.Command(bin, args...), log: out.Name(), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.reap()
	return p, nil
}

// reap waits for the end of the process.
func (p *process) reap() {
	p.cmd.Wait()
	close(p.ended)
}

func (p *process) printed() []byte {
	b, _ := os.ReadFile(p.log)
	return b
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// ready waits until the process listens, and then until it is quiet: its workers have started and
// have closed the probe connection.
func (p *process) ready(ctx context.Context, at netip.AddrPort) error {
	err := p.await(ctx, "listen", func() bool {
		c, err := net.Dial("tcp", at.String())
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
	if err != nil {
		return err
	}
	return p.quiet(ctx)
}

// A process is quiet when it used less than quietCPU in each of quietLooks looks in a row, lookEvery apart.
const (
	lookEvery  = 20 * time.Millisecond
	quietLooks = 3
	quietCPU   = time.Millisecond
)

// quiet waits until the process and its children use no more CPU time than an idle program.
func (p *process) quiet(ctx context.Context) error {
	looks, before := 0, p.cpu()
	return p.await(ctx, "become quiet", func() bool {
		now := p.cpu()
		if now == 0 || now-before >= quietCPU || now < before {
			looks = 0
		}
		looks, before = looks+1, now
		return looks > quietLooks
	})
}

// cpu returns the CPU time of the process and its children, or 0 if one has ended.
func (p *process) cpu() time.Duration {
	pids, err := proc.Tree(p.pid())
	if err != nil {
		return 0
	}
	cpu, err := proc.CPUOf(pids)
	if err != nil {
		return 0
	}
	return cpu.Sum()
}

// await polls until done, the end of the process, or the timeout.
func (p *process) await(ctx context.Context, what string, done func() bool) error {
	limit := time.Now().Add(patience)
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ended:
			return fmt.Errorf("it ended (%v) before it could %s", p.cmd.ProcessState, what)
		case <-time.After(lookEvery):
		}
		if time.Now().After(limit) {
			return fmt.Errorf("it did not %s within %v", what, patience)
		}
	}
	return nil
}

// reload makes the process read its configuration again, n times, each after the previous one has
// finished.
func (p *process) reload(ctx context.Context, n int, sig syscall.Signal) error {
	for range n {
		if err := p.cmd.Process.Signal(sig); err != nil {
			return err
		}
		if err := p.quiet(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stop ends the process and its children: gracefully at first, and by force on timeout.
func (p *process) stop() {
	children, _ := proc.Tree(p.pid())
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return
	case <-time.After(patience):
	}
	for _, pid := range children {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	<-p.ended
}
