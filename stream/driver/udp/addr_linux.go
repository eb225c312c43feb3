package udp

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// maxKey is the maximum length of a client's key: any address, followed by the local address.
const maxKey = unix.SizeofSockaddrAny + 16

// clientAddr returns the address in a kernel sockaddr. A unix socket without a path has an unbound
// address.
func clientAddr(name []byte) stream.Addr {
	if len(name) < 2 {
		return stream.UnixAddr("")
	}
	switch binary.NativeEndian.Uint16(name) {
	case unix.AF_INET:
		if len(name) >= unix.SizeofSockaddrInet4 {
			return ipAddr(netip.AddrFrom4([4]byte(name[4:8])), name)
		}
	case unix.AF_INET6:
		if len(name) >= unix.SizeofSockaddrInet6 {
			return ipAddr(netip.AddrFrom16([16]byte(name[8:24])), name)
		}
	}
	path, _, _ := bytes.Cut(name[2:], []byte{0})
	return stream.UnixAddr(string(path))
}

// ipAddr returns an address with the port that follows the family in name.
func ipAddr(ip netip.Addr, name []byte) stream.Addr {
	return stream.Addr{IP: netip.AddrPortFrom(ip, binary.BigEndian.Uint16(name[2:]))}
}

// unbound reports whether name is the address of a unix socket without a path, which neither can be
// sent to nor identifies the client.
func unbound(name []byte) bool {
	return len(name) <= 2 || binary.NativeEndian.Uint16(name) == unix.AF_UNIX && name[2] == 0
}

// clearFlow clears the parts of an IPv6 address that do not identify a client.
func clearFlow(name []byte) {
	if len(name) == unix.SizeofSockaddrInet6 && binary.NativeEndian.Uint16(name) == unix.AF_INET6 {
		clear(name[4:8])
	}
}

// localAddr returns the destination address of a datagram from the kernel's control data, or the
// zero Addr if there is none.
func localAddr(control []byte) netip.Addr {
	for len(control) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		size := int(h.Len)
		if size < unix.SizeofCmsghdr || size > len(control) {
			break
		}
		body := control[unix.CmsgLen(0):size]
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(body) >= unix.SizeofInet4Pktinfo:
			return netip.AddrFrom4([4]byte(body[8:12]))
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(body) >= unix.SizeofInet6Pktinfo:
			return netip.AddrFrom16([16]byte(body[:16]))
		}
		control = control[min(unix.CmsgSpace(size-unix.CmsgLen(0)), len(control)):]
	}
	return netip.Addr{}
}

// putLocal writes into control the message that makes the kernel send from local, and returns it.
func putLocal(control *[controlSize]byte, local netip.Addr) []byte {
	h := (*unix.Cmsghdr)(unsafe.Pointer(control))
	body := control[unix.CmsgLen(0):]
	clear(body)
	size := 0
	if local.Is4() {
		size = unix.SizeofInet4Pktinfo
		h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		addr := local.As4()
		copy(body[4:8], addr[:])
	} else {
		size = unix.SizeofInet6Pktinfo
		h.Level, h.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
		addr := local.As16()
		copy(body, addr[:])
	}
	h.SetLen(unix.CmsgLen(size))
	return control[:unix.CmsgSpace(size)]
}

// sockaddr returns a in the type of package unix.
func sockaddr(a stream.Addr) (unix.Sockaddr, int) {
	switch {
	case a.Unix:
		return &unix.SockaddrUnix{Name: a.Path}, unix.AF_UNIX
	case a.IP.Addr().Is4():
		return &unix.SockaddrInet4{Port: int(a.IP.Port()), Addr: a.IP.Addr().As4()}, unix.AF_INET
	}
	return &unix.SockaddrInet6{Port: int(a.IP.Port()), Addr: a.IP.Addr().As16()}, unix.AF_INET6
}

// boundTo returns the address of a socket, or the zero Addr for a unix socket.
func boundTo(fd int) stream.Addr {
	name, _ := unix.Getsockname(fd)
	switch sa := name.(type) {
	case *unix.SockaddrInet4:
		return stream.Addr{IP: netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))}
	case *unix.SockaddrInet6:
		return stream.Addr{IP: netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))}
	case *unix.SockaddrUnix:
		return stream.UnixAddr(sa.Name)
	}
	return stream.Addr{}
}
