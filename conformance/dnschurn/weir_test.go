package dnschurn

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pollInterval is the interval between checks of a condition.
const pollInterval = 5 * time.Millisecond

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

// A weir serves the groups.
type weir struct {
	dir   string
	cmd   *exec.Cmd
	ended chan struct{} // closed after the process has ended
}

func startWeir(t *testing.T, groups []*group) *weir {
	t.Helper()
	w := &weir{dir: t.TempDir(), ended: make(chan struct{})}
	if err := os.WriteFile(w.path("nginx.conf"), []byte(conf(groups)), 0o644); err != nil {
		t.Fatal(err)
	}
	w.cmd = exec.Command(weirBinary, "-p", w.dir, "-c", "nginx.conf", "-g", "daemon off;")
	printed, err := os.Create(w.path("printed"))
	if err != nil {
		t.Fatal(err)
	}
	defer printed.Close()
	w.cmd.Stdout, w.cmd.Stderr = printed, printed
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go w.reap()
	t.Cleanup(func() {
		w.cmd.Process.Kill()
		<-w.ended
	})
	await(t, "weir's pid file", func() bool {
		if w.hasEnded() {
			t.Fatalf("weir has ended: %s", w.read(t, "printed"))
		}
		text, _ := os.ReadFile(w.path("weir.pid"))
		return strings.TrimSpace(string(text)) == strconv.Itoa(w.cmd.Process.Pid)
	})
	return w
}

// conf returns a configuration that serves the groups. The access log has a line for each session:
// its user name, its status, and its servers.
func conf(groups []*group) string {
	var b strings.Builder
	b.WriteString(`worker_processes 2;
pid weir.pid;
error_log error.log notice;
events { worker_connections 1024; }
stream {
mqtt_preread on;
log_format visits "$mqtt_preread_username $status $upstream_addr";
access_log access.log visits;
proxy_connect_timeout 3s;
`)
	for _, g := range groups {
		b.WriteString(g.conf())
	}
	b.WriteString("}\n")
	return b.String()
}

func (w *weir) reap() {
	w.cmd.Wait()
	close(w.ended)
}

func (w *weir) hasEnded() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}

// quit lets the sessions end, and then weir.
func (w *weir) quit(t *testing.T) {
	t.Helper()
	if err := w.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	await(t, "weir's end", w.hasEnded)
	if code := w.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("weir's exit code is %d", code)
	}
}

func (w *weir) path(name string) string { return filepath.Join(w.dir, name) }

func (w *weir) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(w.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
