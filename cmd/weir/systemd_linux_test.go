package main

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestNoticesOfTheServingProcess checks that the process without rights sends the notices of its parent, whose number
// systemd gives as WATCHDOG_PID.
func TestNoticesOfTheServingProcess(t *testing.T) {
	s, _ := withUser(t, "")
	m := s.manage()
	if err := os.Chmod(s.path("notify"), 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", append([]string{"-c", `WATCHDOG_PID=$$ exec "$0" "$@"`, binary}, s.args("-g", "daemon off;")...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	m.want("READY=1")
	m.want("WATCHDOG=1")
	m.want("WATCHDOG=1")
	p := &served{s, cmd, cmd.Process.Pid}
	p.send(syscall.SIGQUIT)
	m.want("STOPPING=1")
	p.wantExit(0)
}
