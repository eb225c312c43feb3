package runtime

import (
	"golang.org/x/sys/unix"

	"weir/stream"
)

// newSocket returns a non-blocking socket that child processes do not inherit.
func newSocket(family, kind int, multipath bool) (int, error) {
	protocol := 0
	if multipath {
		protocol = unix.IPPROTO_MPTCP
	}
	return unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
}

// addSystemOptions adds the options that other systems lack or name differently.
func (s *socket) addSystemOptions(all optionList, before *stream.ListenOptions, o stream.ListenOptions) optionList {
	k := o.KeepAlive
	all.add(k.Idle > 0, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, "TCP_KEEPIDLE", int(k.Idle.Seconds()))
	all.add(k.Interval > 0, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, "TCP_KEEPINTVL", int(k.Interval.Seconds()))
	all.add(k.Count > 0, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, "TCP_KEEPCNT", k.Count)
	all.add(o.FastOpen > 0, unix.IPPROTO_TCP, unix.TCP_FASTOPEN, "TCP_FASTOPEN", o.FastOpen)
	// The kernel reports the destination address of each datagram, which is the source of the answers.
	once := before == nil || s.inherited
	wildcard := once && s.addr.UDP && !s.addr.Unix && s.addr.IP.Addr().IsUnspecified()
	is4 := family(s.addr) == unix.AF_INET
	all.add(wildcard && is4, unix.IPPROTO_IP, unix.IP_PKTINFO, "IP_PKTINFO", 1)
	all.add(wildcard && !is4, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO", 1)
	// The kernel delivers a connection without data after one second: nginx's value, because the time that
	// it has waited is unknown.
	deferred := before != nil && before.Deferred
	all.add(o.Deferred != deferred, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, "TCP_DEFER_ACCEPT", boolInt(o.Deferred))
	return all
}

// isMultipath reports whether a socket uses MPTCP.
func isMultipath(fd int) bool {
	protocol, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	return err == nil && protocol == unix.IPPROTO_MPTCP
}

// isDeferred reports whether a listening socket delivers only connections with data.
func isDeferred(fd int) bool {
	return isSet(fd, option{level: unix.IPPROTO_TCP, number: unix.TCP_DEFER_ACCEPT})
}
