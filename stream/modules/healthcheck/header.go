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

// appendHeader appends the header of a check. A check has no client, so the header has the two ends
// of the connection, and no addresses at a unix socket. The command LOCAL, for connections without a
// client, is used only there: some brokers refuse headers without addresses.
func (p Protocol) appendHeader(b []byte, local, server stream.Addr) []byte {
	switch {
	case p == V1:
		return proxyproto.AppendV1(b, local.IP, server.IP)
	case p == V2 && server.UDP:
		return proxyproto.AppendV2UDP(b, local.IP, server.IP)
	case p == V2:
		return proxyproto.AppendV2(b, local.IP, server.IP, nil)
	}
	return b
}

// ipAddr returns an address of the kernel.
func ipAddr(ip []byte, port int) stream.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return stream.Addr{IP: netip.AddrPortFrom(a, uint16(port))}
}
