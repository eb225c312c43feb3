//go:build linux

package main

import "net/netip"

// A door is one server block of the subjects. Each has its own address, and all have the same port.
type door byte

const (
	mqtt            door = iota
	datagrams            // are echoed
	singleDatagrams      // as datagrams, with a session for each
)

// udp reports whether the door is a UDP server.
func (d door) udp() bool { return d != mqtt }

// at returns the door's address; first is the address of the first door.
func (d door) at(first netip.AddrPort) netip.AddrPort {
	ip := first.Addr().As4()
	ip[3] += byte(d)
	return netip.AddrPortFrom(netip.AddrFrom4(ip), first.Port())
}
