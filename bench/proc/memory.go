//go:build linux

package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A Usage is the memory and descriptors of processes at one moment.
type Usage struct {
	PSS         int64 // bytes; a page shared by n processes counts 1/n for each
	Descriptors int64
}

// UsageOf returns the total usage of the processes.
func UsageOf(pids []int) (Usage, error) {
	var all Usage
	for _, pid := range pids {
		pss, err := field(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:")
		if err != nil {
			return Usage{}, err
		}
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil {
			return Usage{}, err
		}
		all.PSS += pss
		all.Descriptors += int64(len(fds))
	}
	return all, nil
}

// Sub returns u minus v.
func (u Usage) Sub(v Usage) Usage { return Usage{u.PSS - v.PSS, u.Descriptors - v.Descriptors} }

// PeakOf returns the peak resident set of the largest process, in bytes.
func PeakOf(pids []int) (int64, error) {
	var peak int64
	for _, pid := range pids {
		one, err := field(fmt.Sprintf("/proc/%d/status", pid), "VmHWM:")
		if err != nil {
			return 0, err
		}
		peak = max(peak, one)
	}
	return peak, nil
}

// field returns the size in the field of that name in a file of /proc.
func field(path, name string) (int64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == name {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}
