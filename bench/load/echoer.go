//go:build linux

package load

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An echoer is the broker's UDP socket. It returns each datagram to its sender, from the address
// that it was sent to.
type echoer struct {
	fd      int
	header  unix.Msghdr
	vector  unix.Iovec
	name    unix.RawSockaddrInet4
	control [64]byte
	buf     [64 << 10]byte
}

// echoBuffer has room for the datagrams of all concurrent senders; the kernel grants less to a
// process that may not exceed its limit.
const echoBuffer = 4 << 20

// newEchoer opens the socket on the port of every address of the loopback interface.
func newEchoer(port int) (*echoer, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	if err := bindEcho(fd, port); err != nil {
		closeFD(fd)
		return nil, fmt.Errorf("datagrams on port %d: %w", port, err)
	}
	return &echoer{fd: fd}, nil
}

func bindEcho(fd, port int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, echoBuffer); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1); err != nil {
		return err
	}
	if err := unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, "lo"); err != nil {
		return err
	}
	return unix.Bind(fd, &unix.SockaddrInet4{Port: port})
}

// answer echoes all waiting datagrams.
func (e *echoer) answer() error {
	for {
		n, err := e.receive()
		if errors.Is(err, errAgain) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("recvmsg: %w", err)
		}
		e.vector.SetLen(n)
		if _, err := e.call(unix.SYS_SENDMSG); err != nil && !errors.Is(err, errAgain) {
			return fmt.Errorf("sendmsg: %w", err)
		}
	}
}

// receive reads one datagram. The control message with its destination address also sets the source
// address in sendmsg.
func (e *echoer) receive() (int, error) {
	e.vector.Base = &e.buf[0]
	e.vector.SetLen(len(e.buf))
	e.header = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&e.name)), Namelen: unix.SizeofSockaddrInet4, Iov: &e.vector, Control: &e.control[0]}
	e.header.SetIovlen(1)
	e.header.SetControllen(len(e.control))
	return e.call(unix.SYS_RECVMSG)
}

func (e *echoer) call(trap uintptr) (int, error) {
	n, _, err := unix.RawSyscall(trap, uintptr(e.fd), uintptr(unsafe.Pointer(&e.header)), unix.MSG_NOSIGNAL)
	return result(n, err)
}
