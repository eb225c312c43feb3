//go:build linux

package proc

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// CPU is the CPU time that processes had, each since its start.
type CPU map[int]time.Duration

// CPUOf reads the clocks of the processes. They count the time of all threads, ended ones too, in user mode and in the kernel, to the nanosecond: the same sum
// as utime and stime in /proc/PID/stat, which are rounded to ticks of 10 ms.
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

// clockOf returns the id of a process's CPU clock, as clock_getcpuclockid(3) does: the complement of the id, and behind it the kind, where 2 is the time that
// the scheduler counted.
func clockOf(pid int) int32 {
	const scheduled = 2
	return int32(^pid<<3 | scheduled)
}

// Since returns the CPU time that the processes of c had since before was read. One that before does not have is new, and all its time counts. One that c does
// not have has ended, and what it used is lost: that is an error.
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

// Sum returns the time of all processes.
func (c CPU) Sum() time.Duration {
	var sum time.Duration
	for _, d := range c {
		sum += d
	}
	return sum
}
