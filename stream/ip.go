package stream

import (
	"net/netip"
	"strings"
)

// ParseIP reads an address as ngx_parse_addr: in IPv4 zeros may lead and octets may be empty. What is none is not valid.
func ParseIP(text string) netip.Addr {
	if strings.IndexByte(text, ':') < 0 {
		return parseIPv4(text)
	}
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" {
		return netip.Addr{}
	}
	return ip
}

func parseIPv4(text string) netip.Addr {
	var octets [4]byte
	n, octet := 0, 0
	for i := range len(text) {
		switch c := text[i]; {
		case '0' <= c && c <= '9' && octet*10+int(c-'0') <= 255:
			octet = octet*10 + int(c-'0')
		case c == '.' && n < 3:
			octets[n] = byte(octet)
			n, octet = n+1, 0
		default:
			return netip.Addr{}
		}
	}
	if n != 3 {
		return netip.Addr{}
	}
	octets[3] = byte(octet)
	return netip.AddrFrom4(octets)
}
