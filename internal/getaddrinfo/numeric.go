package getaddrinfo

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Numeric parses a numeric address: IPv4 as inet_aton reads it, or IPv6, with a scope if it is
// link-local.
func Numeric(name string) (netip.Addr, bool) {
	if ip, ok := parseIPv4(name); ok {
		return ip, true
	}
	text, scope, hasScope := strings.Cut(name, "%")
	ip, err := netip.ParseAddr(text)
	if err != nil || !ip.Is6() {
		return netip.Addr{}, false
	}
	if !hasScope {
		return ip, true
	}
	zone, ok := zoneOf(ip, scope)
	return ip.WithZone(zone), ok
}

// zoneOf checks a scope, which is an interface name or a number.
func zoneOf(ip netip.Addr, scope string) (string, bool) {
	if ip.IsLinkLocalUnicast() || ip.IsLinkLocalMulticast() {
		if _, err := net.InterfaceByName(scope); err == nil {
			return scope, true
		}
	}
	if _, err := strconv.ParseUint(scope, 10, 32); err != nil {
		return "", false
	}
	return scope, true
}

// parseIPv4 parses an IPv4 address as inet_aton: one to four numbers, decimal, octal or
// hexadecimal, of which the last fills the remaining bytes. So "1883" is 0.0.7.91.
func parseIPv4(text string) (netip.Addr, bool) {
	parts := strings.Split(text, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var ip uint64
	for i, part := range parts {
		size := 8
		if i == len(parts)-1 {
			size = 32 - 8*i
		}
		n, ok := parseOctet(part, size)
		if !ok {
			return netip.Addr{}, false
		}
		ip = ip<<size | n
	}
	return netip.AddrFrom4([4]byte{byte(ip >> 24), byte(ip >> 16), byte(ip >> 8), byte(ip)}), true
}

// parseOctet parses a number of at most size bits as strtoul does with base 0, but without a sign
// or spaces.
func parseOctet(text string, size int) (uint64, bool) {
	base := 10
	switch {
	case len(text) > 2 && (text[:2] == "0x" || text[:2] == "0X"):
		base, text = 16, text[2:]
	case len(text) > 1 && text[0] == '0':
		base, text = 8, text[1:]
	}
	n, err := strconv.ParseUint(text, base, size)
	return n, err == nil && text[0] != '+'
}
