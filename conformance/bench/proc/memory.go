//go:build linux

package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A Usage is what processes hold at one moment.
type Usage struct {
	PSS         int64 // bytes; a page that n processes share counts a part in n for each
	Descriptors int64
}

// UsageOf returns what the processes hold together.
func UsageOf(pids []int) (Usage, error) {
	var all Usage
	for _, pid := range pids {
		pss, err := pssOf(pid)
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

// Sub returns u less v.
func (u Usage) Sub(v Usage) Usage { return Usage{u.PSS - v.PSS, u.Descriptors - v.Descriptors} }

func pssOf(pid int) (int64, error) {
	path := fmt.Sprintf("/proc/%d/smaps_rollup", pid)
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("%s has no Pss", path)
}
