//go:build linux

package load

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// edge is the mask of every connection: edge-triggered, added once and never changed.
const edge = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// ended is the part of an event's mask that reports the end of the peer's output.
const ended = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR

// A poller is one epoll set. It belongs to one goroutine.
type poller struct {
	fd     int
	events [512]unix.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	return &poller{fd: fd}, nil
}

// add watches fd until it is closed.
func (p *poller) add(fd int, mask uint32) error {
	ev := unix.EpollEvent{Events: mask, Fd: int32(fd)}
	_, _, e := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.fd), unix.EPOLL_CTL_ADD, uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	if e != 0 {
		return fmt.Errorf("epoll_ctl: %w", e)
	}
	return nil
}

// wait returns the events, at the latest after d; a negative d sets no timeout. The events are
// valid until the next call.
func (p *poller) wait(d time.Duration) ([]unix.EpollEvent, error) {
	n, err := unix.EpollWait(p.fd, p.events[:], int(d.Milliseconds()))
	if err == unix.EINTR {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("epoll_wait: %w", err)
	}
	return p.events[:n], nil
}

func (p *poller) close() { closeFD(p.fd) }

// readable reports whether there is input: bytes, or the end.
func readable(ev *unix.EpollEvent) bool { return ev.Events&^uint32(unix.EPOLLOUT) != 0 }
