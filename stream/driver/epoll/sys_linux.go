package epoll

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls below never block, since every descriptor is non-blocking. So they bypass the
// scheduler, which could otherwise give the loop's processor to another goroutine during an event.

func read(fd int32, b []byte) (int, unix.Errno) {
	n, _, e := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0)
	return int(n), e
}

// peek reads without consuming: the data stays in the socket until drop.
func peek(fd int32, b []byte) (int, unix.Errno) {
	n, _, e := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		unix.MSG_PEEK, 0, 0)
	return int(n), e
}

// drop consumes n peeked bytes of the socket. With MSG_TRUNC the kernel does not copy them.
func drop(fd int32, n int) unix.Errno {
	for n > 0 {
		got, _, e := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), 0, uintptr(n), unix.MSG_TRUNC, 0, 0)
		switch {
		case e != 0:
			return e
		case got == 0:
			return unix.ENODATA
		}
		n -= int(got)
	}
	return 0
}

func write(fd int32, b []byte) (int, unix.Errno) {
	n, _, e := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		unix.MSG_NOSIGNAL, 0, 0)
	if e != 0 {
		return 0, e
	}
	return int(n), 0
}

func closeFD(fd int32) { syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// hasNoDelay reports whether connections accepted on fd start with TCP_NODELAY.
func hasNoDelay(fd int) bool {
	on, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY)
	return err == nil && on != 0
}

// socketError returns the result of a connect that did not succeed at once.
func socketError(fd int32) unix.Errno {
	value, size := int32(0), uint32(4)
	_, _, e := syscall.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_ERROR, uintptr(unsafe.Pointer(&value)),
		uintptr(unsafe.Pointer(&size)), 0)
	if e != 0 {
		return e
	}
	return unix.Errno(value)
}

func shutdownWrite(fd int32) { syscall.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0) }

// resetOnClose makes the kernel send RST when fd is closed.
func resetOnClose(fd int32) {
	linger := unix.Linger{Onoff: 1}
	syscall.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_LINGER, uintptr(unsafe.Pointer(&linger)),
		unsafe.Sizeof(linger), 0)
}

func splice(from, to int32, n int) (int, unix.Errno) {
	r, _, e := syscall.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(n), unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
	if e != 0 {
		return 0, e
	}
	return int(r), 0
}
