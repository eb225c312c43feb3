package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	startTimeout = 10 * time.Second
	stopTimeout  = 5 * time.Second
	pollInterval = 50 * time.Millisecond
)

// weir is the running weir program, in its own prefix.
type weir struct {
	cmd    *exec.Cmd
	prefix string        // temporary directory for nginx.conf and logs/
	exited chan struct{} // closed when the process has ended
}

// startWeir runs binary on a copy of conf and returns once it accepts connections at listen. The
// caller must stop it.
func startWeir(ctx context.Context, binary, conf, listen string) (*weir, error) {
	w, err := prepare(binary, conf)
	if err != nil {
		return nil, err
	}
	if err := w.cmd.Start(); err != nil {
		os.RemoveAll(w.prefix)
		return nil, err
	}
	go w.reap()
	if err := w.await(ctx, listen); err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

// prepare creates the prefix and the command.
func prepare(binary, conf string) (*weir, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	prefix, err := os.MkdirTemp("", "weir-demo-")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(prefix, "nginx.conf")
	if err := errors.Join(os.Mkdir(filepath.Join(prefix, "logs"), 0o755), os.WriteFile(file, []byte(conf), 0o644)); err != nil {
		os.RemoveAll(prefix)
		return nil, err
	}
	w := &weir{prefix: prefix, exited: make(chan struct{})}
	// Without its own pid file it would need permission to write the system's, and replace that of
	// another weir.
	w.cmd = exec.Command(binary, "-p", prefix, "-e", w.log("error.log"), "-c", file, "-g", "daemon off; pid weir.pid;")
	w.cmd.Stderr = os.Stderr
	// Its own process group: Ctrl-C in the terminal is for the demo, which then stops weir.
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return w, nil
}

// log returns the path of a file in weir's log directory.
func (w *weir) log(name string) string {
	return filepath.Join(w.prefix, "logs", name)
}

// reap waits for the process to end.
func (w *weir) reap() {
	defer close(w.exited)
	_ = w.cmd.Wait()
}

// await polls listen until a connection succeeds, the process ends, or the timeout expires.
func (w *weir) await(ctx context.Context, listen string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for {
		if conn, err := net.Dial("tcp", listen); err == nil {
			return conn.Close()
		}
		select {
		case <-poll.C:
		case <-w.exited:
			return fmt.Errorf("weir ended with %v", w.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("weir does not listen on %s: %w", listen, ctx.Err())
		}
	}
}

// lastWords returns the end of weir's error log, for diagnosis.
func (w *weir) lastWords() string {
	const most = 1000
	text, err := os.ReadFile(w.log("error.log"))
	if err != nil || len(text) == 0 {
		return ""
	}
	return "\nits error log ends with:\n" + string(text[max(0, len(text)-most):])
}

// stop ends the process, by force after stopTimeout, and removes the prefix.
func (w *weir) stop() {
	_ = w.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-w.exited:
	case <-time.After(stopTimeout):
		_ = w.cmd.Process.Kill()
		<-w.exited
	}
	os.RemoveAll(w.prefix)
}
