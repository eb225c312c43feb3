package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A result is the outcome of a finished run of the subject.
type result struct {
	code           int
	stdout, stderr string
}

func (r *run) start(args []string) error {
	conf := "nginx.conf"
	if len(args) > 0 {
		conf = args[0]
	}
	p, err := startProcess(r.subject.command(r.dir, conf, nil), r.dir, conf)
	if err != nil {
		return err
	}
	r.proc = p
	r.cleanup(p.kill)
	return nil
}

// daemon starts a subject that runs in the background: its first process exits once it serves.
func (r *run) daemon([]string) error {
	if err := r.finish(r.subject.command(r.dir, "nginx.conf", nil)); err != nil {
		return err
	}
	if err := r.exit([]string{"0"}); err != nil {
		return err
	}
	return poll(func() error {
		text, err := os.ReadFile(r.path(pidFile(r.path("nginx.conf"))))
		if err != nil {
			return err
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err == nil {
			r.cleanup(func() { syscall.Kill(-pid, syscall.SIGKILL) }) // a daemon leads its session
		}
		return err
	})
}

func (r *run) runArgs(args []string) error {
	return r.finish(r.subject.command(r.dir, "nginx.conf", args))
}

func (r *run) bareArgs(args []string) error {
	return r.finish(r.subject.bare(r.dir, args))
}

// finish runs cmd to its end. The script checks the exit code.
func (r *run) finish(cmd *exec.Cmd) error {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = patience // a daemon that keeps our pipes must not block us
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	overdue := time.AfterFunc(patience, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer overdue.Stop()
	if err := cmd.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		return err
	}
	r.last = result{cmd.ProcessState.ExitCode(), stdout.String(), r.subject.asNginx(stderr.String())}
	return nil
}

func (r *run) exit(args []string) error {
	if got := strconv.Itoa(r.last.code); got != args[0] {
		return fmt.Errorf("exit code %s, want %s; it printed\n%s%s", got, args[0], r.last.stdout, r.last.stderr)
	}
	return nil
}

func (r *run) stdout(args []string) error { return compareLines(lines(r.last.stdout), args) }
func (r *run) stderr(args []string) error { return compareLines(lines(r.last.stderr), args) }

func (r *run) printed(args []string) error {
	text := r.last.stderr
	if args[0] == "stdout" {
		text = r.last.stdout
	}
	re, err := regexp.Compile("(?m)" + args[1])
	if err != nil {
		return err
	}
	if !re.MatchString(text) {
		return fmt.Errorf("no match in\n%s", text)
	}
	return nil
}

// test runs -t on a file and compares the exit code and the output before the last line, which
// reports success or failure.
func (r *run) test(file, code, verdict string, want ...string) error {
	if err := r.finish(r.subject.command(r.dir, file, []string{"-t"})); err != nil {
		return err
	}
	want = append(want, "nginx: configuration file "+r.path(file)+" test "+verdict)
	return errors.Join(r.exit([]string{code}), r.stderr(want))
}

func (r *run) syntaxOK(file string) string {
	return "nginx: the configuration file " + r.path(file) + " syntax is ok"
}

func (r *run) accept(args []string) error {
	var want []string
	for _, warning := range args[1:] {
		want = append(want, "nginx: [warn] "+warning)
	}
	return r.test(args[0], "0", "is successful", append(want, r.syntaxOK(args[0]))...)
}

func (r *run) refuse(args []string) error {
	file, line, placed := strings.Cut(args[0], ":")
	message := "nginx: [emerg] " + args[1]
	if placed {
		message += " in " + r.path(file) + ":" + line
	}
	return r.test(file, "1", "failed", message)
}

func (r *run) refuseLate(args []string) error {
	return r.test(args[0], "1", "failed", r.syntaxOK(args[0]), "nginx: [emerg] "+args[1])
}

// retired is the message that nginx logs when the processes of the previous configuration begin to
// exit.
const retired = "gracefully shutting down"

func (r *run) reload(args []string) error {
	before, err := r.count(errorLog, retired)
	if err != nil {
		return err
	}
	if err := os.Rename(r.path(args[0]), r.path("nginx.conf")); err != nil {
		return err
	}
	if err := r.signal([]string{"HUP"}); err != nil {
		return err
	}
	return poll(func() error {
		n, err := r.count(errorLog, retired)
		if err == nil && n == before {
			err = fmt.Errorf("no new %q in %s", retired, errorLog)
		}
		return err
	})
}

var signals = map[string]syscall.Signal{
	"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1,
}

func (r *run) signal(args []string) error {
	sig, known := signals[args[0]]
	if !known || r.proc == nil {
		return fmt.Errorf("no signal %s, or nothing runs", args[0])
	}
	return r.proc.cmd.Process.Signal(sig)
}

func (r *run) exited(args []string) error {
	code, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	if r.proc == nil {
		return fmt.Errorf("nothing runs")
	}
	return r.proc.awaitExit(code)
}
