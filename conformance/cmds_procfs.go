package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

// procFile waits until a file in /proc of one of the subject's threads matches.
func (r *run) procFile(args []string) error {
	re, err := regexp.Compile("(?m)" + args[1])
	if err != nil {
		return err
	}
	if r.proc == nil {
		return fmt.Errorf("nothing runs")
	}
	return poll(func() error {
		var all []string
		for _, pid := range processGroup(r.proc.cmd.Process.Pid) {
			paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/%s", pid, args[0]))
			for _, path := range paths {
				text := procText(path)
				if re.MatchString(text) {
					return nil
				}
				all = append(all, text)
			}
		}
		return fmt.Errorf("no match in %q", all)
	})
}

// procText returns the content of a file or the target of a link; empty if it no longer exists.
func procText(path string) string {
	if target, err := os.Readlink(path); err == nil {
		return target
	}
	text, _ := os.ReadFile(path)
	return string(text)
}

// processGroup returns the processes of a group that /proc lists.
func processGroup(group int) []int {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var pids []int
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if of, err := syscall.Getpgid(pid); err == nil && of == group {
			pids = append(pids, pid)
		}
	}
	return pids
}
