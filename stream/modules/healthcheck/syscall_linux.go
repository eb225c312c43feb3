package healthcheck

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// The calls below never block, since every descriptor is non-blocking. So they bypass the scheduler,
// which would otherwise wake a thread to take over the processor during many of them.

// An endpoint is an address in the kernel's format.
type endpoint struct {
	raw    unix.RawSockaddrAny
	size   uintptr
	family int
}

// endpointOf returns an address in the kernel's format.
func endpointOf(a stream.Addr) *endpoint {
	e := &endpoint{}
	switch {
	case a.Unix:
		p := (*unix.RawSockaddrUnix)(unsafe.Pointer(&e.raw))
		*p = unix.RawSockaddrUnix{Family: unix.AF_UNIX}
		n := copy(unsafe.Slice((*byte)(unsafe.Pointer(&p.Path[0])), len(p.Path)), a.Path)
		e.size, e.family = uintptr(2+min(n+1, len(p.Path))), unix.AF_UNIX
	case a.IP.Addr().Is4():
		p := (*unix.RawSockaddrInet4)(unsafe.Pointer(&e.raw))
		*p = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: swap(a.IP.Port()), Addr: a.IP.Addr().As4()}
		e.size, e.family = unix.SizeofSockaddrInet4, unix.AF_INET
	default:
		p := (*unix.RawSockaddrInet6)(unsafe.Pointer(&e.raw))
		*p = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: swap(a.IP.Port()), Addr: a.IP.Addr().As16()}
		e.size, e.family = unix.SizeofSockaddrInet6, unix.AF_INET6
	}
	return e
}

// swap converts a port number between host and network byte order.
func swap(port uint16) uint16 { return port<<8 | port>>8 }

// openSocket creates a socket: SOCK_STREAM or SOCK_DGRAM.
func openSocket(family, kind int) (int, unix.Errno) {
	n, _, e := syscall.RawSyscall(unix.SYS_SOCKET, uintptr(family), uintptr(kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC), 0)
	return int(n), e
}

// bindSocket binds a socket.
func bindSocket(fd int, to *endpoint) unix.Errno {
	_, _, e := syscall.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&to.raw)), to.size)
	return e
}

// connectSocket begins to connect a socket.
func connectSocket(fd int, to *endpoint) unix.Errno {
	_, _, e := syscall.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&to.raw)), to.size)
	return e
}

// closeSocket closes a socket.
func closeSocket(fd int) { syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// watchSocket adds a socket to an epoll set.
func watchSocket(set, fd int, events uint32) unix.Errno {
	ev := unix.EpollEvent{Events: events, Fd: int32(fd)}
	_, _, e := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(set), unix.EPOLL_CTL_ADD, uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	return e
}

// pollEvents returns how many events of an epoll set it has stored, without waiting.
func pollEvents(set int, events []unix.EpollEvent) int {
	n, _, e := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(set), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if e != 0 {
		return 0
	}
	return int(n)
}
