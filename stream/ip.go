package stream

import (
	"net/netip"
	"strconv"
	"strings"
)

// ParseIP parses an address as ngx_parse_addr does: IPv4 octets may have leading zeros or be empty.
// It returns the zero Addr if text is not an address.
func ParseIP(text string) netip.Addr {
	if strings.IndexByte(text, ':') < 0 {
		return parseIPv4(text)
	}
	return ParseIPv6(text)
}

// ParseIPv6 parses an address as ngx_inet6_addr does. As there, an extra colon is allowed at the
// start, and after a :: one at the end, for a group of zero; a :: stands for at least one group; an
// IPv4 address at the end is parsed as usual and must not be 255.255.255.255. It returns the zero
// Addr if text is not an address.
func ParseIPv6(text string) netip.Addr {
	g := ipv6Groups{gap: -1}
	rest, inside, ok := strings.TrimPrefix(text, ":"), true, true
	for first := true; inside && ok; first = false {
		var part string
		part, rest, inside = strings.Cut(rest, ":")
		switch {
		case part == "" && inside:
			ok = g.open()
		case part == "":
			ok = g.gap >= 0 && g.add(0)
		case !inside && !first && strings.Contains(part, "."):
			ok = g.addIPv4(part)
		default:
			ok = g.addHex(part)
		}
	}
	if !ok {
		return netip.Addr{}
	}
	return g.addr()
}

// ipv6Groups are the groups of an address parsed so far.
type ipv6Groups struct {
	bytes [16]byte
	n     int // number of bytes
	gap   int // number of bytes before the ::, or -1
}

// open records a ::, which may occur once.
func (g *ipv6Groups) open() bool {
	if g.gap >= 0 {
		return false
	}
	g.gap = g.n
	return true
}

func (g *ipv6Groups) add(group uint16) bool {
	if g.n == len(g.bytes) {
		return false
	}
	g.bytes[g.n], g.bytes[g.n+1] = byte(group>>8), byte(group)
	g.n += 2
	return true
}

// maxHex is the maximum number of digits in a group, and in the first octet of an IPv4 address
// after groups.
const maxHex = 4

func (g *ipv6Groups) addHex(part string) bool {
	group, err := strconv.ParseUint(part, 16, 16)
	return err == nil && len(part) <= maxHex && g.add(uint16(group))
}

func (g *ipv6Groups) addIPv4(part string) bool {
	digits := strings.IndexByte(part, '.')
	ip := parseIPv4(part)
	if digits == 0 || digits > maxHex || !ip.IsValid() || ip == broadcast {
		return false
	}
	b := ip.As4()
	return g.add(uint16(b[0])<<8|uint16(b[1])) && g.add(uint16(b[2])<<8|uint16(b[3]))
}

// broadcast is the address that nginx treats as invalid.
var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// addr returns the address, which is valid if the number of groups is right.
func (g *ipv6Groups) addr() netip.Addr {
	full := g.n == len(g.bytes)
	switch {
	case g.gap < 0 && full:
		return netip.AddrFrom16(g.bytes)
	case g.gap < 0, full:
		return netip.Addr{}
	}
	var b [16]byte
	copy(b[:], g.bytes[:g.gap])
	copy(b[len(b)-(g.n-g.gap):], g.bytes[g.gap:g.n])
	return netip.AddrFrom16(b)
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
