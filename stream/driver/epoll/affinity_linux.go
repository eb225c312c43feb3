package epoll

import (
	"runtime"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
)

// pinThread locks the loop's goroutine to its thread, and the thread to the loop's processors, if any
// are configured. It does so when the loop begins to serve, because the log is open by then, and no
// coroutine exists yet, which could not run in a locked thread. It follows ngx_setaffinity.
func (l *loop) pinThread() {
	if len(l.cpus) == 0 || l.pinned != nil {
		return
	}
	l.parking.close() // a parked goroutine would return to its own thread through another one
	l.parking = nil
	runtime.LockOSThread()
	l.pinned = &unix.CPUSet{}
	unix.SchedGetaffinity(0, l.pinned)
	l.setProcessors()
}

// repin changes the processors of a loop that is locked to its thread. Without any, the thread runs on
// those of before. A loop that serves and is not locked stays so.
func (l *loop) repin(cpus []int) {
	changed := !slices.Equal(l.cpus, cpus)
	if l.cpus = cpus; changed && l.pinned != nil {
		l.setProcessors()
	}
}

// setProcessors makes the thread stay on the loop's processors.
func (l *loop) setProcessors() {
	set := *l.pinned
	if len(l.cpus) > 0 {
		set.Zero()
	}
	for _, cpu := range l.cpus {
		set.Set(cpu)
		l.env.Log.Write(errorlog.Notice, 0, "sched_setaffinity(): using cpu #"+strconv.Itoa(cpu))
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		l.env.Log.Write(errorlog.Alert, 0, "sched_setaffinity() failed"+errorlog.Errno(err))
	}
}
