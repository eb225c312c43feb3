//go:build !linux

package getaddrinfo

import (
	"net"
	"net/netip"
)

// interfaceAddrs lists the addresses of all interfaces.
func interfaceAddrs() ([]ifaceAddr, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var all []ifaceAddr
	for _, i := range interfaces {
		addrs, err := i.Addrs()
		if err != nil {
			return nil, err
		}
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			all = append(all, ifaceAddr{addr: prefix.Addr().Unmap(), bits: prefix.Bits(), index: i.Index})
		}
	}
	return all, nil
}

// isTunnel returns false: the type of an interface is unknown here.
func isTunnel(int) bool { return false }
