package epoll

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"weir/stream/driver/internal/poll"
)

// parking lets a loop's goroutine wait for the loop's epoll set in the Go runtime's poller, as
// other goroutines wait for a socket. In a system call of its own, the goroutine would keep the
// runtime's monitor awake.
//
// The runtime watches a second epoll set, gate, which contains the loop's set. The gate is open
// only while the goroutine is parked, because each event of a set that the runtime watches wakes a
// thread.
type parking struct {
	l      *loop
	gate   int
	file   *os.File // owns gate
	conn   syscall.RawConn
	due    time.Time // when a park ends without events; zero means never
	look   func(uintptr) bool
	parked bool // has checked once
	n      int  // number of events found
}

// newParking returns nil if parking is not possible. The loop then waits in system calls.
func newParking(l *loop) *parking {
	gate, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	unix.SetNonblock(gate, true) // so that package os registers it with the runtime's poller
	p := &parking{l: l, gate: gate, file: os.NewFile(uintptr(gate), "epoll")}
	p.look = p.lookForEvents
	p.conn, err = p.file.SyscallConn()
	if err != nil || poll.EpollAdd(gate, int32(l.set.FD), &unix.EpollEvent{}) != 0 || p.file.SetReadDeadline(time.Time{}) != nil {
		p.file.Close()
		return nil
	}
	return p
}

// close ends the parking. It does nothing if p is nil.
func (p *parking) close() {
	if p != nil {
		p.file.Close()
	}
}

// park waits for events until limit has passed, and returns their number.
func (p *parking) park(limit time.Duration) int {
	p.endAfter(limit)
	p.parked, p.n = false, 0
	err := p.conn.Read(p.look)
	p.open(false)
	if err != nil {
		p.due = p.l.began // it has passed and must be set again
	}
	return p.n
}

// lookForEvents reports whether the goroutine is to continue: there are events, or it has been
// parked. It checks once before it parks, because events from before the gate was open have not
// woken the goroutine.
func (p *parking) lookForEvents(uintptr) bool {
	over := p.parked
	if !over {
		p.parked = true
		p.open(true)
	}
	p.n = p.l.set.Poll(0)
	return over || p.n > 0
}

// open opens or closes the gate.
func (p *parking) open(on bool) {
	ev := unix.EpollEvent{}
	if on {
		ev.Events = unix.EPOLLIN
	}
	poll.EpollModify(p.gate, int32(p.l.set.FD), &ev)
}

// endAfter sets when a park ends. Usually the time is unchanged.
func (p *parking) endAfter(limit time.Duration) {
	var due time.Time
	if limit != forever {
		due = p.l.now.Add(limit)
	}
	if !due.Equal(p.due) {
		p.due = due
		p.file.SetReadDeadline(due)
	}
}
