package proxyproto

import (
	"encoding/binary"
	"net/netip"
)

// AppendAddr appends an address as nginx prints it, without a zone. An invalid address appends
// nothing.
//
// Package netip agrees with ngx_inet6_ntop except for one form: nginx also prints the last four
// bytes as IPv4 after twelve zeros.
func AppendAddr(dst []byte, a netip.Addr) []byte {
	if !isV4Compatible(a) {
		if a.IsValid() {
			dst = a.WithZone("").AppendTo(dst)
		}
		return dst
	}
	b := a.As16()
	return netip.AddrFrom4([4]byte(b[12:])).AppendTo(append(dst, "::"...))
}

// isV4Compatible reports whether ngx_inet6_ntop prints a with twelve zeros before an IPv4 address.
// If fourteen bytes are zero, its condition on the last two is unusual; this function follows it
// exactly.
func isV4Compatible(a netip.Addr) bool {
	if !a.Is6() {
		return false
	}
	b := a.As16()
	if binary.BigEndian.Uint64(b[:]) != 0 || binary.BigEndian.Uint32(b[8:]) != 0 {
		return false
	}
	return b[12] != 0 || b[13] != 0 || b[14] != 0 && b[15] != 1
}
