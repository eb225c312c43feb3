//go:build linux

package proc

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// CPU is the CPU time of processes, each since its start.
type CPU map[int]time.Duration

// CPUOf reads the clocks of the processes. They count the time of all threads, including ended
// ones, in user mode and in the kernel, in nanoseconds: the same sum as utime and stime in
// /proc/PID/stat, which are rounded to ticks of 10 ms.
func CPUOf(pids []int) (CPU, error) {
	all := CPU{}
	for _, pid := range pids {
		d, err := cpuOf(pid)
		if err != nil {
			return nil, fmt.Errorf("CPU time of process %d: %w", pid, err)
		}
		all[pid] = d
	}
	return all, nil
}

func cpuOf(pid int) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(clockOf(pid), &t); err != nil {
		return 0, err
	}
	return time.Duration(t.Nano()), nil
}

// clockOf returns the id of a process's CPU clock, like clock_getcpuclockid(3): the complement of
// the pid, followed by the kind, where 2 is the time that the scheduler counted.
func clockOf(pid int) int32 {
	const scheduled = 2
	return int32(^pid<<3 | scheduled)
}

// Since returns the CPU time of the processes of c since before was read. A process that is not in
// before is new, and all its time counts. A process that is not in c has ended, and its time is
// lost: that is an error.
func (c CPU) Since(before CPU) (time.Duration, error) {
	var sum time.Duration
	for pid := range before {
		if _, ok := c[pid]; !ok {
			return 0, fmt.Errorf("process %d ended while it was measured", pid)
		}
	}
	for pid, d := range c {
		sum += d - before[pid]
	}
	return sum, nil
}

// Sum returns the total time of all processes.
func (c CPU) Sum() time.Duration {
	var sum time.Duration
	for _, d := range c {
		sum += d
	}
	return sum
}
