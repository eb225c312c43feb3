package epoll

import (
	"golang.org/x/sys/unix"

	"weir/stream"
)

// setTransparent lets the socket bind to an address of another machine, if the target wants that.
// The kernel requires CAP_NET_RAW or CAP_NET_ADMIN.
func setTransparent(fd int32, t *stream.Target) unix.Errno {
	switch {
	case !t.Transparent || !t.Local.IsValid():
		return 0
	case t.Local.IP.Addr().Is4():
		return setInt(fd, unix.IPPROTO_IP, unix.IP_TRANSPARENT, 1)
	}
	return setInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TRANSPARENT, 1)
}
