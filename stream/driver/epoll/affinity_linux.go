package epoll

import (
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
)

// pinThread locks the loop's goroutine to its thread, and the thread to the loop's processors, if any
// are configured. It runs once, when the loop begins to serve, because the log is open by then. It
// follows ngx_setaffinity.
func (l *loop) pinThread() {
	cpus := l.cpus
	if len(cpus) == 0 {
		return
	}
	l.cpus = nil
	l.parking.close() // a parked goroutine would return to its own thread through another one
	l.parking = nil
	runtime.LockOSThread()
	var set unix.CPUSet
	for _, cpu := range cpus {
		set.Set(cpu)
		l.env.Log.Write(errorlog.Notice, 0, "sched_setaffinity(): using cpu #"+strconv.Itoa(cpu))
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		l.env.Log.Write(errorlog.Alert, 0, "sched_setaffinity() failed"+errorlog.Errno(err))
	}
}
