package poll

import (
	"math"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// EventsPerWait is the maximum number of events of one wait.
const EventsPerWait = 256

// MailEvent is the Fd of the events of a loop's mailbox. Other events have their own value there.
const MailEvent = -1

// A Set is the epoll set of a loop.
type Set struct {
	FD     int
	events []unix.EpollEvent
	unread []unix.EpollEvent // of the last wait
}

// Open creates the set and the mailbox, and adds the mailbox to the set.
func (s *Set) Open(m *Mailbox) error {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	wake, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(ep)
		return err
	}
	if e := EpollAdd(ep, int32(wake), &unix.EpollEvent{Events: unix.EPOLLIN, Fd: MailEvent}); e != 0 {
		unix.Close(wake)
		unix.Close(ep)
		return e
	}
	s.FD, m.fd = ep, int32(wake)
	s.events = make([]unix.EpollEvent, EventsPerWait)
	return nil
}

// Close releases the set.
func (s *Set) Close() { unix.Close(s.FD) }

// Next returns the next event of the last wait, or nil after the last one.
func (s *Set) Next() *unix.EpollEvent {
	if len(s.unread) == 0 {
		return nil
	}
	ev := &s.unread[0]
	s.unread = s.unread[1:]
	return ev
}

// Received makes Next return the first n events of the last wait.
func (s *Set) Received(n int) { s.unread = s.events[:n] }

// Poll waits for events up to a number of milliseconds, and returns their number. It does not tell
// the Go scheduler that the thread waits.
func (s *Set) Poll(ms int) int {
	n, _, e := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(s.FD), uintptr(unsafe.Pointer(&s.events[0])), uintptr(len(s.events)),
		uintptr(ms), 0, 0)
	if e != 0 {
		return 0
	}
	return int(n)
}

// Wait is Poll for longer waits: other goroutines run meanwhile.
func (s *Set) Wait(ms int) int {
	n, _, e := syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(s.FD), uintptr(unsafe.Pointer(&s.events[0])), uintptr(len(s.events)),
		uintptr(ms), 0, 0)
	if e != 0 {
		return 0
	}
	return int(n)
}

// CeilMillis returns d in milliseconds for Poll and Wait, rounded up and limited to the range of
// epoll_wait(2).
func CeilMillis(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return int(min((d-1)/time.Millisecond+1, math.MaxInt32))
}

// EpollAdd adds a descriptor to the epoll set ep.
func EpollAdd(ep int, fd int32, ev *unix.EpollEvent) unix.Errno {
	_, _, e := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(ep), unix.EPOLL_CTL_ADD, uintptr(fd), uintptr(unsafe.Pointer(ev)), 0, 0)
	return e
}

// EpollModify changes the events of a descriptor in the epoll set ep.
func EpollModify(ep int, fd int32, ev *unix.EpollEvent) unix.Errno {
	_, _, e := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(ep), unix.EPOLL_CTL_MOD, uintptr(fd), uintptr(unsafe.Pointer(ev)), 0, 0)
	return e
}

// EpollRemove removes a descriptor from the epoll set ep.
func EpollRemove(ep int, fd int32) {
	syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(ep), unix.EPOLL_CTL_DEL, uintptr(fd), 0, 0, 0)
}
