package dnschurn

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// onlyLoopback makes a listener at all addresses reject other networks.
func onlyLoopback(_, _ string, c syscall.RawConn) error {
	var err error
	outer := c.Control(func(fd uintptr) { err = unix.SetsockoptString(int(fd), unix.SOL_SOCKET, unix.SO_BINDTODEVICE, "lo") })
	return errors.Join(outer, err)
}
