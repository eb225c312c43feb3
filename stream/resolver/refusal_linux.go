package resolver

import (
	"net"
	"syscall"
)

// hearRefusals lets the socket hear that nobody listens where a question went, which otherwise only a connected socket does.
func hearRefusals(socket *net.UDPConn) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_RECVERR, 1)
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, syscall.IPV6_RECVERR, 1) // fails for a socket of IPv4
	})
}
