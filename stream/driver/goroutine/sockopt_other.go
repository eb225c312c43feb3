//go:build !linux

package goroutine

import (
	"net"

	"golang.org/x/sys/unix"
)

// bindWithoutPort does nothing on systems without the option.
func bindWithoutPort(int) {}

// setTransparent fails on systems without the option.
func setTransparent(int, bool) error { return unix.ENOPROTOOPT }

// keepAliveOf reads whether so_keepalive is on; the times are the system's.
func keepAliveOf(fd int) net.KeepAliveConfig {
	on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE)
	return net.KeepAliveConfig{Enable: err == nil && on != 0, Idle: -1, Interval: -1, Count: -1}
}
