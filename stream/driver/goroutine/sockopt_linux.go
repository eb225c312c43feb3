package goroutine

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// bindWithoutPort lets bind leave the choice of the port to connect, so that a port may be used
// once for each destination.
func bindWithoutPort(fd int) {
	unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
}

// setTransparent lets bind use an address of another machine. The kernel requires CAP_NET_RAW or
// CAP_NET_ADMIN.
func setTransparent(fd int, v4 bool) error {
	if v4 {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TRANSPARENT, 1)
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TRANSPARENT, 1)
}

// keepAliveOf reads the keepalive settings of a listening socket, which so_keepalive sets.
func keepAliveOf(fd int) net.KeepAliveConfig {
	on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE)
	if err != nil || on == 0 {
		return net.KeepAliveConfig{}
	}
	idle, _ := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)
	interval, _ := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL)
	count, _ := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT)
	return net.KeepAliveConfig{
		Enable: true, Idle: time.Duration(idle) * time.Second, Interval: time.Duration(interval) * time.Second, Count: count,
	}
}
