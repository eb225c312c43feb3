//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// notes are facts that a reader of the figures must know. The zero value is empty.
type notes []string

func (n *notes) add(format string, args ...any) { *n = append(*n, fmt.Sprintf(format, args...)) }

// settings are changed during a run, because without them the figures depend on earlier programs.
var settings = []struct{ name, value, why string }{
	{"net/ipv4/tcp_max_tw_buckets", "4096", "connects slow down when very many closed connections are remembered"},
	{"net/ipv4/ip_local_port_range", "10000 65535", "a storm uses up a narrow range of ports"},
	{"kernel/sched_autogroup_enabled", "0", "daemons get a larger share of the processors than programs started from a shell"},
}

// prepareSystem changes the settings and returns a function that restores them. Settings that may
// not be changed are noted.
func prepareSystem(notes *notes) (restore func()) {
	var undo []func()
	for _, s := range settings {
		path := "/proc/sys/" + s.name
		old, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, []byte(s.value), 0)
		}
		if err != nil {
			notes.add("%s could not be set to %q (%v): %s", strings.ReplaceAll(s.name, "/", "."), s.value, err, s.why)
			continue
		}
		undo = append(undo, func() { os.WriteFile(path, old, 0) })
	}
	return func() {
		for _, f := range undo {
			f()
		}
	}
}

// raiseDescriptors raises the limit on open files to its maximum, for this process and its
// children.
func raiseDescriptors() error {
	limit, err := descriptorLimit()
	if err != nil {
		return err
	}
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: limit, Max: limit})
}

// descriptorLimit returns the maximum number of open files of a process.
func descriptorLimit() (uint64, error) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 0, fmt.Errorf("getrlimit: %w", err)
	}
	return r.Max, nil
}
