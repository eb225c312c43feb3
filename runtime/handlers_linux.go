package runtime

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A sigaction is the kernel's struct sigaction, which has this size or less on every architecture. The
// zero value is the default effect.
type sigaction [4]uint64

// sigsetSize is the size of a set of signals in bytes.
const sigsetSize = 8

// handlers contains the handlers that removeHandlers removed.
type handlers map[syscall.Signal]*sigaction

// removeHandlers gives signals their default effect in the kernel. The Go runtime is not involved: it
// still receives the signals whose handlers have begun.
func removeHandlers(signals []syscall.Signal) handlers {
	removed := handlers{}
	for _, s := range signals {
		before := &sigaction{}
		if setAction(s, &sigaction{}, before) == 0 {
			removed[s] = before
		}
	}
	return removed
}

// restore undoes removeHandlers.
func (h handlers) restore() {
	for s, before := range h {
		setAction(s, before, nil)
	}
}

func setAction(s syscall.Signal, to, before *sigaction) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(before)), sigsetSize, 0, 0)
	return errno
}

// probe is a signal that the Go runtime itself sends to its threads, and ignores when it comes from
// elsewhere.
const probe = unix.SIGURG

// probePause is the time between two checks of the threads that have not received their probe.
const probePause = 100 * time.Microsecond

// awaitHandlers waits until the signal handlers that have begun on any thread have returned, but at most
// for limit: a thread may hang in the kernel. It reports whether they have returned.
//
// It sends a signal to each thread. The handlers of the Go runtime block all signals, so that the signal
// stays pending until they return.
func awaitHandlers(limit time.Duration) bool {
	end := time.Now().Add(limit)
	threads := threadsOfProcess()
	for _, tid := range threads {
		unix.Tgkill(os.Getpid(), tid, probe)
	}
	for {
		threads = slices.DeleteFunc(threads, func(tid int) bool { return !isPending(tid, probe) })
		switch {
		case len(threads) == 0:
			return true
		case time.Now().After(end):
			return false
		}
		time.Sleep(probePause)
	}
}

// threadsOfProcess returns the thread numbers of the process; none without /proc.
func threadsOfProcess() (tids []int) {
	entries, _ := os.ReadDir("/proc/self/task")
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			tids = append(tids, tid)
		}
	}
	return tids
}

// isPending reports whether a signal sent to a thread has not been delivered. It is false for a thread
// that has ended.
func isPending(tid int, s syscall.Signal) bool {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/status", tid))
	_, after, _ := strings.Cut(string(status), "\nSigPnd:")
	line, _, _ := strings.Cut(after, "\n")
	pending, _ := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	return pending&(1<<(uint(s)-1)) != 0
}
