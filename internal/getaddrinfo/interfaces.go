package getaddrinfo

import "net/netip"

// An ifaceAddr is an address of a local interface.
type ifaceAddr struct {
	addr       netip.Addr
	bits       int // the prefix length of its network
	index      int // the index of the interface
	deprecated bool
	home       bool // a home address of Mobile IPv6
}

// localAddrs contains the addresses of the machine.
type localAddrs struct {
	addrs      []ifaceAddr
	ipv4, ipv6 bool // there are addresses that are not loopback
}

// local returns the addresses of the machine. If they are unknown, both families are assumed. It
// follows __check_pf.
func (s *system) local() localAddrs {
	addrs, err := s.interfaces()
	if err != nil {
		return localAddrs{ipv4: true, ipv6: true}
	}
	local := localAddrs{addrs: addrs}
	for _, a := range addrs {
		switch a.addr {
		case netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback():
			continue
		}
		local.ipv4 = local.ipv4 || a.addr.Is4()
		local.ipv6 = local.ipv6 || a.addr.Is6()
	}
	if !local.ipv6 {
		local.addrs = nil // the C library then discards them, and the prefix lengths with them
	}
	return local
}

// family returns the family to which AI_ADDRCONFIG limits a lookup: a family is omitted if the
// machine has only addresses of the other one.
func (l *localAddrs) family() family {
	switch {
	case l.ipv4 == l.ipv6:
		return anyFamily
	case l.ipv4:
		return onlyIPv4
	}
	return onlyIPv6
}

// find returns the entry of a local address. All of 127.0.0.0/8 counts as 127.0.0.1.
func (l *localAddrs) find(ip netip.Addr) ifaceAddr {
	if ip.Is4() && ip.IsLoopback() {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	for _, a := range l.addrs {
		if a.addr == ip {
			return a
		}
	}
	return ifaceAddr{index: -1}
}
