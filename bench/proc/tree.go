//go:build linux

package proc

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
)

// Tree returns a process and all its descendants, in the order of their ids.
func Tree(pid int) ([]int, error) {
	parents, err := parents()
	if err != nil {
		return nil, err
	}
	if _, ok := parents[pid]; !ok {
		return nil, fmt.Errorf("no process %d", pid)
	}
	tree := []int{pid}
	for i := 0; i < len(tree); i++ {
		for child, parent := range parents {
			if parent == tree[i] {
				tree = append(tree, child)
			}
		}
	}
	slices.Sort(tree)
	return tree, nil
}

// parents returns the parent of each live process.
func parents() (map[int]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	all := map[int]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if parent, ok := parentOf(pid); ok {
			all[pid] = parent
		}
	}
	return all, nil
}

// parentOf parses /proc/PID/stat: "PID (NAME) STATE PARENT ...", where the name may contain any
// bytes.
func parentOf(pid int) (int, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 2 || fields[0][0] == 'Z' {
		return 0, false
	}
	parent, err := strconv.Atoi(string(fields[1]))
	return parent, err == nil
}
