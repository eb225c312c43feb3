package getaddrinfo

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A policy contains the tables used to sort addresses. In each table, the first entry that contains
// an address counts.
type policy struct {
	labels, precedences []entry // by IPv6 network; IPv4 is mapped
	scopes              []entry // by IPv4 network
}

// An entry assigns a value to the addresses of a network.
type entry struct {
	network netip.Prefix
	value   int
}

// defaultPolicy is that of RFC 3484, with the additions of the C library.
var defaultPolicy = policy{
	labels: []entry{
		{netip.MustParsePrefix("::1/128"), 0}, {netip.MustParsePrefix("2002::/16"), 2}, {netip.MustParsePrefix("::/96"), 3},
		{netip.MustParsePrefix("::ffff:0:0/96"), 4}, {netip.MustParsePrefix("fec0::/10"), 5}, {netip.MustParsePrefix("fc00::/7"), 6},
		{netip.MustParsePrefix("2001::/32"), 7}, {netip.MustParsePrefix("::/0"), 1},
	},
	precedences: []entry{
		{netip.MustParsePrefix("::1/128"), 50}, {netip.MustParsePrefix("2002::/16"), 30}, {netip.MustParsePrefix("::/96"), 20},
		{netip.MustParsePrefix("::ffff:0:0/96"), 10}, {netip.MustParsePrefix("::/0"), 40},
	},
	scopes: []entry{
		{netip.MustParsePrefix("169.254.0.0/16"), linkScope}, {netip.MustParsePrefix("127.0.0.0/8"), linkScope},
		{netip.MustParsePrefix("0.0.0.0/0"), globalScope},
	},
}

// The scopes of addresses.
const (
	linkScope   = 2
	siteScope   = 5
	globalScope = 14
)

// policy reads gai.conf. Entries for a table replace the default table, except its entry for all
// addresses.
func (s *system) policy() policy {
	p := policy{}
	text, _ := s.read("gai.conf")
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 3 {
			continue
		}
		switch words[0] {
		case "label":
			p.labels = addEntry(p.labels, words[1], words[2])
		case "precedence":
			p.precedences = addEntry(p.precedences, words[1], words[2])
		case "scopev4":
			p.scopes = addScope(p.scopes, words[1], words[2])
		}
	}
	return policy{
		labels:      complete(p.labels, defaultPolicy.labels),
		precedences: complete(p.precedences, defaultPolicy.precedences),
		scopes:      complete(p.scopes, defaultPolicy.scopes),
	}
}

// addEntry adds an IPv6 network and its value, if they are valid.
func addEntry(table []entry, network, value string) []entry {
	prefix, n, ok := parseEntry(network, value)
	if !ok || !prefix.Addr().Is6() {
		return table
	}
	return append(table, entry{prefix, n})
}

// addScope adds an IPv4 network, which may be written in IPv4-mapped form.
func addScope(table []entry, network, value string) []entry {
	prefix, n, ok := parseEntry(network, value)
	if ok && prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	if !ok || !prefix.Addr().Is4() {
		return table
	}
	return append(table, entry{prefix, n})
}

func parseEntry(network, value string) (netip.Prefix, int, bool) {
	text, size, hasSize := strings.Cut(network, "/")
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" {
		return netip.Prefix{}, 0, false
	}
	bits := ip.BitLen()
	if hasSize {
		bits, err = strconv.Atoi(size)
	}
	n, err2 := strconv.ParseUint(value, 10, 64)
	prefix := netip.PrefixFrom(ip, bits)
	return prefix, int(min(n, math.MaxInt32)), err == nil && err2 == nil && n <= math.MaxInt32 && prefix.IsValid()
}

// complete returns table sorted, with an entry for all addresses, or the default table if it is
// empty.
func complete(table, byDefault []entry) []entry {
	if len(table) == 0 {
		return byDefault
	}
	all := byDefault[len(byDefault)-1]
	if !slices.ContainsFunc(table, func(e entry) bool { return e.network.Bits() == 0 }) {
		table = append(table, all)
	}
	slices.SortStableFunc(table, func(a, b entry) int { return cmp.Compare(b.network.Bits(), a.network.Bits()) })
	return table
}

// lookUp returns the value of the first entry that contains ip.
func lookUp(table []entry, ip netip.Addr) int {
	for _, e := range table {
		if contains(e.network, ip) {
			return e.value
		}
	}
	return 0
}

// contains is Prefix.Contains, except that a mapped address counts as IPv6 and the zone is ignored.
func contains(network netip.Prefix, ip netip.Addr) bool {
	p, err := ip.WithZone("").Prefix(network.Bits())
	return err == nil && p.Addr() == network.Masked().Addr()
}

func (p *policy) label(ip netip.Addr) int      { return lookUp(p.labels, mapped(ip)) }
func (p *policy) precedence(ip netip.Addr) int { return lookUp(p.precedences, mapped(ip)) }

// mapped returns an IPv4 address in IPv4-mapped form.
func mapped(ip netip.Addr) netip.Addr { return netip.AddrFrom16(ip.As16()) }

// scope returns the scope of an address.
func (p *policy) scope(ip netip.Addr) int {
	b := ip.As16()
	switch {
	case ip.Is4():
		return lookUp(p.scopes, ip)
	case ip.IsMulticast():
		return int(b[1] & 0xf)
	case ip.IsLinkLocalUnicast() || ip.IsLoopback():
		return linkScope
	case b[0] == 0xfe && b[1]&0xc0 == 0xc0:
		return siteScope
	}
	return globalScope
}
