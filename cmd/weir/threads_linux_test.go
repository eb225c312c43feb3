package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"weir/internal/testwait"
)

// TestThreadsAreAsConfigured reads the priority of all threads, and the processors of the loops, from the
// kernel.
func TestThreadsAreAsConfigured(t *testing.T) {
	s := newSite(t)
	s.configure("worker_priority 3; worker_cpu_affinity 1;")
	p := s.front()
	s.ping(s.dial(s.addr))
	s.wantLine(`\[notice\] PID: sched_setaffinity\(\): using cpu #0`)
	for _, thread := range threads(t, p.pid) {
		if nice := fieldAfterName(t, filepath.Join(thread, "stat"), 16); nice != "3" {
			t.Errorf("%s: got priority %s, want 3", thread, nice)
		}
	}
	if bound := boundTo(t, p.pid, "0"); bound != 1 && runtime.NumCPU() > 1 { // all threads are bound to an only processor
		t.Errorf("%d threads are bound to processor 0, want the loop's", bound)
	}
	s.configure("worker_processes 3; worker_priority 3; worker_cpu_affinity 1;")
	p.send(syscall.SIGHUP)
	testwait.Eventually(t, "the threads of further loops are bound too", func() bool {
		return runtime.NumCPU() == 1 || boundTo(t, p.pid, "0") == 3
	})
	for _, thread := range threads(t, p.pid) {
		if nice := fieldAfterName(t, filepath.Join(thread, "stat"), 16); nice != "3" {
			t.Errorf("after a reload %s has priority %s, want 3", thread, nice)
		}
	}
	if runtime.NumCPU() > 1 {
		s.configure("worker_processes 3; worker_priority 3; worker_cpu_affinity 10;")
		p.send(syscall.SIGHUP)
		testwait.Eventually(t, "bound threads change the processor", func() bool { return boundTo(t, p.pid, "1") == 3 })
	}
	steps := []string{"4"}
	if os.Geteuid() == 0 {
		steps = append(steps, "0") // only root may return to 0
	}
	for _, nice := range steps {
		s.configure("worker_priority " + nice + ";")
		p.send(syscall.SIGHUP)
		testwait.Eventually(t, "a reload changes the priority to "+nice, func() bool {
			return fieldAfterName(t, fmt.Sprintf("/proc/%d/stat", p.pid), 16) == nice
		})
	}
}

// boundTo counts the threads that may run on one processor only.
func boundTo(t *testing.T, pid int, cpu string) (n int) {
	t.Helper()
	for _, thread := range threads(t, pid) {
		status, err := os.ReadFile(filepath.Join(thread, "status"))
		if err == nil && strings.Contains(string(status), "Cpus_allowed_list:\t"+cpu+"\n") {
			n++
		}
	}
	return n
}

func threads(t *testing.T, pid int) []string {
	t.Helper()
	all, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil || len(all) == 0 {
		t.Fatal("no threads: ", err)
	}
	return all
}

// fieldAfterName returns the field with that index of a stat file, counted from 0 after the name in
// parentheses.
func fieldAfterName(t *testing.T, path string, index int) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))[index]
}
