package poll

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// A Sockaddr is an address in the kernel's format.
type Sockaddr struct {
	raw    unix.RawSockaddrAny
	size   uint32
	family int
}

// Set stores the address a.
func (sa *Sockaddr) Set(a stream.Addr) {
	switch {
	case a.Unix:
		sa.setUnix(a.Path)
	case a.IP.Addr().Is4():
		p := (*unix.RawSockaddrInet4)(unsafe.Pointer(&sa.raw))
		*p = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: swap(a.IP.Port()), Addr: a.IP.Addr().As4()}
		sa.size, sa.family = unix.SizeofSockaddrInet4, unix.AF_INET
	default:
		p := (*unix.RawSockaddrInet6)(unsafe.Pointer(&sa.raw))
		*p = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: swap(a.IP.Port()), Addr: a.IP.Addr().As16()}
		sa.size, sa.family = unix.SizeofSockaddrInet6, unix.AF_INET6
	}
}

func (sa *Sockaddr) setUnix(path string) {
	p := (*unix.RawSockaddrUnix)(unsafe.Pointer(&sa.raw))
	*p = unix.RawSockaddrUnix{Family: unix.AF_UNIX}
	dst := unsafe.Slice((*byte)(unsafe.Pointer(&p.Path[0])), len(p.Path))
	n := copy(dst, path)
	sa.size, sa.family = uint32(2+min(n+1, len(p.Path))), unix.AF_UNIX
}

// Family returns the family of the address that was set.
func (sa *Sockaddr) Family() int { return sa.family }

// Addr returns the address, without the scope of an IPv6 address.
func (sa *Sockaddr) Addr() stream.Addr {
	name := (*[unix.SizeofSockaddrAny]byte)(unsafe.Pointer(&sa.raw))
	return AddrOf(name[:min(sa.size, unix.SizeofSockaddrAny)])
}

// AddrOf returns the address in a name of the kernel. A unix socket without a path has an unbound
// address.
func AddrOf(name []byte) stream.Addr {
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

// swap converts a port number between host and network byte order.
func swap(port uint16) uint16 { return port<<8 | port>>8 }
