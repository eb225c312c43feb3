package udp

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxKey is the maximum length of a client's key: any address, followed by the local address.
const maxKey = unix.SizeofSockaddrAny + 16

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
