package main

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"weir/internal/testwait"
)

// endDaemons ends the processes that commands left running in dir. weir must leave none. If
// nginx's first process writes the pid file, as in Debian, it can fail without a signal to the daemon that
// it started, which continues to run.
func endDaemons(t *testing.T, dir, program string) {
	t.Helper()
	left := runningIn(t, dir)
	if len(left) > 0 && program == binary {
		t.Errorf("weir has left the processes %v", left)
	}
	testwait.Eventually(t, "end of the daemons", func() bool {
		for _, pid := range left {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		left = runningIn(t, dir) // a master may have started a worker before its end
		return len(left) == 0
	})
}

// runningIn returns the processes with the working directory dir. It excludes ended processes, even if
// their parent has not waited for them.
func runningIn(t *testing.T, dir string) []int {
	t.Helper()
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	var found []int
	for _, link := range links {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if at, err := os.Readlink(link); err == nil && at == dir && pid > 0 {
			found = append(found, pid)
		}
	}
	return found
}
