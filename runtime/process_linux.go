package runtime

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// eventMethod is what nginx would call the means by which sockets are waited for.
const eventMethod = "epoll"

// self is the program that runs, even if its file has been replaced.
func self() string { return "/proc/self/exe" }

// duplicate makes to another descriptor of what from is.
func duplicate(from, to int) error { return unix.Dup3(from, to, 0) }

// setPriority makes n the priority of the process. Linux keeps one for each thread; those to come have that of the thread that makes them.
func setPriority(n int) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return unix.Setpriority(unix.PRIO_PROCESS, 0, n)
	}
	for _, thread := range threads {
		tid, _ := strconv.Atoi(thread.Name())
		if err := unix.Setpriority(unix.PRIO_PROCESS, tid, n); err != nil && err != unix.ESRCH {
			return err
		}
	}
	return nil
}
