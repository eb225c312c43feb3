package conf

import (
	"net/netip"
	"strings"

	"weir/parser"
	"weir/stream"
)

// CIDR parses an argument that is a network, "192.0.2.0/24", or a single address, as ngx_ptocidr
// does. Address bits beyond the prefix length are dropped with a warning. ok is false for any other
// word.
func (c *Call) CIDR(word *parser.Word) (network netip.Prefix, ok bool) {
	p, ok := parseCIDR(word.Text)
	if !ok {
		return p, false
	}
	network = p.Masked()
	if network != p {
		c.Warn(word, "low address bits of %s are meaningless", word.Text)
	}
	return network, true
}

func parseCIDR(text string) (netip.Prefix, bool) {
	addr, length, hasLength := strings.Cut(text, "/")
	ip, ok := ParseIP(addr)
	if !ok {
		return netip.Prefix{}, false
	}
	bits := ip.BitLen()
	if hasLength {
		n, ok := number(length)
		if !ok || n > bits {
			return netip.Prefix{}, false
		}
		bits = n
	}
	return netip.PrefixFrom(ip, bits), true
}

// ParseIP parses an IP address without a port or brackets, as ngx_parse_addr does.
func ParseIP(text string) (netip.Addr, bool) {
	if ip, ok := parseIPv4(text); ok {
		return ip, true
	}
	ip := stream.ParseIPv6(text)
	return ip, ip.IsValid()
}
