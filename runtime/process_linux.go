package runtime

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// eventMethod is nginx's name for the way of waiting for sockets.
const eventMethod = "epoll"

// self returns the path of the running program, even if its file has been replaced.
func self() string { return "/proc/self/exe" }

// duplicate makes descriptor to a duplicate of from.
func duplicate(from, to int) error { return unix.Dup3(from, to, 0) }

// setPriority makes n the priority of the process. Linux keeps one for each thread, and a new thread has that of the thread that starts
// it, so the threads are listed until all of them have it.
func setPriority(n int) error {
	n = min(max(n, -20), 19) // as the kernel does
	for {
		changed, err := setPriorityOfThreads(n)
		if err != nil || !changed {
			return err
		}
	}
}

// setPriorityOfThreads sets the priority of the threads that have another one, and reports whether there were any.
func setPriorityOfThreads(n int) (changed bool, err error) {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return false, unix.Setpriority(unix.PRIO_PROCESS, 0, n)
	}
	for _, thread := range threads {
		tid, _ := strconv.Atoi(thread.Name())
		if now, err := unix.Getpriority(unix.PRIO_PROCESS, tid); err != nil || 20-now == n {
			continue // it has ended, or has the priority
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, tid, n); err != nil && err != unix.ESRCH {
			return false, err
		}
		changed = true
	}
	return changed, nil
}
