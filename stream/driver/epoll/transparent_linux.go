package epoll

import (
	"golang.org/x/sys/unix"

	"weir/stream"
)

// setTransparent lets the socket be bound to an address that is not this machine's, if that is wanted. The kernel refuses it to who
// has neither CAP_NET_RAW nor CAP_NET_ADMIN.
func setTransparent(fd int32, t *stream.Target) unix.Errno {
	switch {
	case !t.Transparent || !t.Local.IsValid():
		return 0
	case t.Local.IP.Addr().Is4():
		return setInt(fd, unix.IPPROTO_IP, unix.IP_TRANSPARENT, 1)
	}
	return setInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TRANSPARENT, 1)
}
