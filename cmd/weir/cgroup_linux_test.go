package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"weir/conformance/installed"
	"weir/internal/testwait"
)

// controlGroup makes a control group with a quota of 1.5 processors and a limit of 256 MiB, and returns the files by which a
// process joins it.
func controlGroup(t *testing.T) (join []string) {
	t.Helper()
	for _, of := range []struct {
		file  string // of version 2 below /sys/fs/cgroup, or of version 1 below a controller
		texts map[string]string
	}{
		{"", map[string]string{"cpu.max": "150000 100000", "memory.max": "268435456"}},
		{"cpu", map[string]string{"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "150000"}},
		{"memory", map[string]string{"memory.limit_in_bytes": "268435456"}},
	} {
		dir := filepath.Join("/sys/fs/cgroup", of.file, fmt.Sprintf("weir-test-%d", os.Getpid()))
		if of.file == "" && !isUnified() || of.file != "" && isUnified() {
			continue
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			installed.Missing(t, "a control group: "+err.Error())
		}
		t.Cleanup(func() {
			testwait.Eventually(t, "the end of the control group", func() bool { return os.Remove(dir) == nil })
		})
		for name, text := range of.texts {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0); err != nil {
				installed.Missing(t, "a control group: "+err.Error())
			}
		}
		join = append(join, filepath.Join(dir, "cgroup.procs"))
	}
	return join
}

// isUnified reports whether the system has control groups of version 2 only.
func isUnified() bool {
	_, err := os.Stat("/sys/fs/cgroup/cgroup.controllers")
	return err == nil
}

// TestLimitsOfTheControlGroup starts weir in a control group of this system.
func TestLimitsOfTheControlGroup(t *testing.T) {
	join := controlGroup(t)
	s := newSite(t)
	s.configure("worker_processes auto;")
	script := "for f in " + strings.Join(join, " ") + `; do echo $$ >$f || exit 1; done; exec "$0" "$@"`
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, binary}, s.args("-g", "daemon off;")...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	s.wantLine(`\[notice\] PID: the control group has a quota of 1\.50 CPUs, event loops: ` + strconv.Itoa(min(2, runtime.NumCPU())))
	s.wantLine(`\[notice\] PID: the control group has a memory limit of 268435456 bytes, soft limit: \d+`)
	s.dial(s.addr).Close()
	p := &served{s, cmd, cmd.Process.Pid}
	p.send(syscall.SIGTERM)
	p.wantExit(0)
}
