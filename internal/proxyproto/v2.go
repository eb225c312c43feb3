package proxyproto

import (
	"encoding/binary"
	"hash/crc32"
	"net"
	"net/netip"

	"github.com/pires/go-proxyproto"
)

// castagnoli is the polynomial of the checksum.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendV2 appends the version 2 header that nginx sends for a TCP client: the addresses, the TLVs of
// the client's TLS, which is nil for a plain client, and a CRC-32C of the whole header. The addresses'
// family is IPv4 if both are IPv4, or if both are mapped; otherwise it is IPv6, and an IPv4 address is
// mapped.
//
// If either address is invalid, which means a unix socket, the command is LOCAL and there are no
// addresses.
func AppendV2(dst []byte, client, server netip.AddrPort, t *TLS) []byte {
	return appendV2(dst, client, server, transportStream, t.appendTLVs(nil))
}

// AppendV2UDP is AppendV2 for a client that sends datagrams.
func AppendV2UDP(dst []byte, client, server netip.AddrPort) []byte {
	return appendV2(dst, client, server, transportDatagram, nil)
}

// The transports, in the lower half of the family and transport byte.
const (
	transportStream   = 1
	transportDatagram = 2
)

func appendV2(dst []byte, client, server netip.AddrPort, transport byte, tlvs []byte) []byte {
	h := proxyproto.Header{Version: 2, Command: proxyproto.LOCAL}
	if client.IsValid() && server.IsValid() {
		h.Command, h.TransportProtocol = proxyproto.PROXY, proxyproto.TCPv6
		if bothIPv4(client.Addr(), server.Addr()) {
			h.TransportProtocol = proxyproto.TCPv4
		}
		h.SourceAddr, h.DestinationAddr = net.TCPAddrFromAddrPort(client), net.TCPAddrFromAddrPort(server)
	}
	start := len(dst)
	dst = append(dst, format(&h)...)
	if h.Command == proxyproto.PROXY {
		dst[start+13] = dst[start+13]&0xf0 | transport
	}
	dst = append(dst, tlvs...)
	dst = appendTLV(dst, byte(proxyproto.PP2_TYPE_CRC32C), "\x00\x00\x00\x00")
	binary.BigEndian.PutUint16(dst[start+14:], uint16(len(dst)-start-prefixV2))
	sum := crc32.Checksum(dst[start:], castagnoli)
	binary.BigEndian.PutUint32(dst[len(dst)-4:], sum)
	return dst
}

// bothIPv4 reports whether both addresses are IPv4, in the same form.
func bothIPv4(a, b netip.Addr) bool {
	return a.Is4() == b.Is4() && a.Unmap().Is4() && b.Unmap().Is4()
}

// format returns h in wire form.
func format(h *proxyproto.Header) []byte {
	b, err := h.Format()
	if err != nil {
		panic(err) // valid TCP addresses have a wire form
	}
	return b
}
