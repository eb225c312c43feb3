package getaddrinfo

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"net"
	"net/netip"
)

// A destination is one address of a name, with the local address from which it would be reached.
type destination struct {
	addr   netip.Addr
	place  int // position in the order of the sources
	source netip.Addr
	usable bool // there is a source address
	from   ifaceAddr

	scope, sourceScope int
	label, sourceLabel int
	precedence         int
}

// sort sorts addresses as the C library does: by RFC 6724, with its own exceptions.
func (s *system) sort(addrs []netip.Addr, local localAddrs) {
	p := s.policy()
	all := make([]*destination, len(addrs))
	for i, ip := range addrs {
		d := &destination{addr: ip, place: i, scope: p.scope(ip), label: p.label(ip), precedence: p.precedence(ip)}
		if d.source, d.usable = s.source(ip); d.usable {
			d.from = local.find(d.source)
			d.sourceScope, d.sourceLabel = p.scope(d.source), p.label(d.source)
		}
		all[i] = d
	}
	mergeSort(all, make([]*destination, len(all)))
	for i, d := range all {
		addrs[i] = d.addr
	}
}

// mergeSort uses the algorithm of the C library: some combinations of rules are not transitive, so
// the result depends on the algorithm.
func mergeSort(all, spare []*destination) {
	if len(all) <= 1 {
		return
	}
	half := len(all) / 2
	first, second := all[:half], all[half:]
	mergeSort(first, spare)
	mergeSort(second, spare)
	merged := spare[:0]
	for len(first) > 0 && len(second) > 0 {
		if compare(first[0], second[0]) <= 0 {
			merged, first = append(merged, first[0]), first[1:]
		} else {
			merged, second = append(merged, second[0]), second[1:]
		}
	}
	merged = append(merged, first...)
	copy(all, merged) // the rest of second is already in its place
}

// compare is negative if a sorts before b. The numbers are those of the rules in RFC 6724, section
// 6.
func compare(a, b *destination) int {
	if a.usable != b.usable { // 1
		return first(a.usable, b.usable)
	}
	if a.usable {
		if c := compareSources(a, b); c != 0 {
			return c
		}
	}
	return cmp.Or(
		b.precedence-a.precedence, // 6
		compareTransport(a, b),    // 7
		a.scope-b.scope,           // 8
		comparePrefix(a, b),       // 9
		a.place-b.place,           // 10
	)
}

// first is negative if a is true and b is not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func compareSources(a, b *destination) int {
	return cmp.Or(
		first(a.scope == a.sourceScope, b.scope == b.sourceScope), // 2
		first(!a.from.deprecated, !b.from.deprecated),             // 3
		first(a.from.home, b.from.home),                           // 4
		first(a.label == a.sourceLabel, b.label == b.sourceLabel), // 5
	)
}

// compareTransport prefers interfaces that are not tunnels.
func compareTransport(a, b *destination) int {
	if !a.usable || a.from.index == b.from.index {
		return 0
	}
	return first(!isTunnel(a.from.index), !isTunnel(b.from.index))
}

// comparePrefix prefers addresses with the longest common prefix with their source address: for
// IPv4, only within the same network.
func comparePrefix(a, b *destination) int {
	if !a.usable || a.addr.Is4() != b.addr.Is4() {
		return 0
	}
	if a.addr.Is4() {
		return commonIPv4(b) - commonIPv4(a)
	}
	aDst, aSrc, bDst, bSrc := a.addr.As16(), a.source.As16(), b.addr.As16(), b.source.As16()
	for i := 0; i < 16; i += 4 {
		x := word(aDst[i:]) ^ word(aSrc[i:])
		y := word(bDst[i:]) ^ word(bSrc[i:])
		if x != 0 || y != 0 {
			return bits.LeadingZeros32(y) - bits.LeadingZeros32(x)
		}
	}
	return 0
}

// commonIPv4 returns the number of leading bits that an address shares with its source; 0 if they
// are in different networks.
func commonIPv4(d *destination) int {
	dst, src := d.addr.As4(), d.source.As4()
	different := word(dst[:]) ^ word(src[:])
	mask := ^uint32(0) // for a network of unknown size: the address itself
	if d.from.bits > 0 {
		mask <<= 32 - d.from.bits
	}
	if different&mask != 0 {
		return 0
	}
	return bits.LeadingZeros32(different)
}

func word(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

// discardPort is the port to which the socket of sourceOf connects. Nothing is sent.
const discardPort = 9

// sourceOf returns the local address from which the system would reach ip.
func sourceOf(ip netip.Addr) (netip.Addr, bool) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, discardPort)))
	if err != nil {
		return netip.Addr{}, false
	}
	defer c.Close()
	from := c.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
	if ip.Is4() {
		from = from.Unmap()
	}
	return from.WithZone(""), true
}
