package poll

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// The calls below never block, since every descriptor is non-blocking. So they bypass the
// scheduler, which could otherwise give the loop's processor to another goroutine during an event.

// Socket creates a socket: SOCK_STREAM or SOCK_DGRAM.
func Socket(family, kind int) (int32, unix.Errno) {
	n, _, e := syscall.RawSyscall(unix.SYS_SOCKET, uintptr(family), uintptr(kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC), 0)
	return int32(n), e
}

// Accept takes a connection from the listening socket, and stores the client's address in sa.
func Accept(fd int, sa *Sockaddr) (int32, unix.Errno) {
	sa.size = unix.SizeofSockaddrAny
	n, _, e := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&sa.raw)), uintptr(unsafe.Pointer(&sa.size)),
		unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	return int32(n), e
}

// Connect begins to connect the socket.
func Connect(fd int32, to *Sockaddr) unix.Errno {
	_, _, e := syscall.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&to.raw)), uintptr(to.size))
	return e
}

func bind(fd int32, to *Sockaddr) unix.Errno {
	_, _, e := syscall.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&to.raw)), uintptr(to.size))
	return e
}

// LocalAddr returns the address that the socket is bound to, or the zero Addr if that is unknown.
func LocalAddr(fd int32) stream.Addr {
	sa := Sockaddr{size: unix.SizeofSockaddrAny}
	_, _, e := syscall.RawSyscall(unix.SYS_GETSOCKNAME, uintptr(fd), uintptr(unsafe.Pointer(&sa.raw)), uintptr(unsafe.Pointer(&sa.size)))
	if e != 0 {
		return stream.Addr{}
	}
	return sa.Addr()
}

// SetInt sets an option of the socket.
func SetInt(fd int32, level, name int, value int32) unix.Errno {
	_, _, e := syscall.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(unsafe.Pointer(&value)), 4, 0)
	return e
}

// Prepare sets the options of a socket to a server and binds it. It returns the operation that
// failed and its error, which is 0 without a failure. It ignores an option that the kernel refuses,
// but not an address.
func Prepare(fd int32, t *stream.Target) (stream.Op, unix.Errno) {
	if e := setTransparent(fd, t); e != 0 {
		return stream.OpTransparent, e
	}
	if t.KeepAlive {
		SetInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	}
	if t.RcvBuf > 0 {
		SetInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, int32(t.RcvBuf))
	}
	if t.SndBuf > 0 {
		SetInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, int32(t.SndBuf))
	}
	if !t.Local.IsValid() {
		return stream.OpBind, 0
	}
	var local Sockaddr
	local.Set(t.Local)
	return stream.OpBind, bind(fd, &local)
}

// setTransparent lets the socket bind to an address of another machine, if the target wants that.
// The kernel requires CAP_NET_RAW or CAP_NET_ADMIN.
func setTransparent(fd int32, t *stream.Target) unix.Errno {
	switch {
	case !t.Transparent || !t.Local.IsValid():
		return 0
	case t.Local.IP.Addr().Is4():
		return SetInt(fd, unix.IPPROTO_IP, unix.IP_TRANSPARENT, 1)
	}
	return SetInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TRANSPARENT, 1)
}

// UpstreamFailed returns the event that an operation on the socket to a server has failed.
func UpstreamFailed(op stream.Op, e unix.Errno) stream.Event {
	return stream.Event{Kind: stream.Failed, Side: stream.UpstreamSide, Op: op, Err: e}
}
