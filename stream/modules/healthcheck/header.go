package healthcheck

import (
	"net/netip"

	"weir/internal/proxyproto"
	"weir/stream"
)

// Protocol selects the PROXY header that is sent first.
type Protocol uint8

// The versions.
const (
	NoHeader Protocol = iota
	V1
	V2
)

const (
	// unknownV1 is the header for a connection without IP addresses.
	unknownV1 = "PROXY UNKNOWN\r\n"
	// localV2 is the header of the command LOCAL: the connection is the proxy's own.
	localV2 = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
)

// appendHeader appends the header of a check, which has no client: version 2 has a command for
// that, version 1 names the two ends of the connection.
func (p Protocol) appendHeader(b []byte, local, server stream.Addr) []byte {
	switch {
	case p == NoHeader:
		return b
	case p == V2:
		return append(b, localV2...)
	case server.Unix || !local.IP.IsValid():
		return append(b, unknownV1...)
	}
	return proxyproto.AppendV1(b, local.IP, server.IP)
}

// ipAddr returns an address of the kernel.
func ipAddr(ip []byte, port int) stream.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return stream.Addr{IP: netip.AddrPortFrom(a, uint16(port))}
}
