package epoll

import (
	"bytes"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// sockaddr is an address in the kernel's format.
type sockaddr struct {
	raw    unix.RawSockaddrAny
	size   uint32
	family int
}

// set stores the address a in sa.
func (sa *sockaddr) set(a stream.Addr) {
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

func (sa *sockaddr) setUnix(path string) {
	p := (*unix.RawSockaddrUnix)(unsafe.Pointer(&sa.raw))
	*p = unix.RawSockaddrUnix{Family: unix.AF_UNIX}
	dst := unsafe.Slice((*byte)(unsafe.Pointer(&p.Path[0])), len(p.Path))
	n := copy(dst, path)
	sa.size, sa.family = uint32(2+min(n+1, len(p.Path))), unix.AF_UNIX
}

// addrOf returns the address in sa.
func addrOf(sa *unix.RawSockaddrAny) stream.Addr {
	switch sa.Addr.Family {
	case unix.AF_INET:
		p := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return stream.Addr{IP: netip.AddrPortFrom(netip.AddrFrom4(p.Addr), swap(p.Port))}
	case unix.AF_INET6:
		p := (*unix.RawSockaddrInet6)(unsafe.Pointer(sa))
		return stream.Addr{IP: netip.AddrPortFrom(netip.AddrFrom16(p.Addr), swap(p.Port))}
	case unix.AF_UNIX:
		p := (*unix.RawSockaddrUnix)(unsafe.Pointer(sa))
		path := unsafe.Slice((*byte)(unsafe.Pointer(&p.Path[0])), len(p.Path))
		end := bytes.IndexByte(path, 0)
		return stream.UnixAddr(string(path[:max(end, 0)]))
	}
	return stream.Addr{}
}

// swap converts a port number between host and network byte order.
func swap(port uint16) uint16 { return port<<8 | port>>8 }
