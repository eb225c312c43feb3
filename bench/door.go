//go:build linux

package main

import "net/netip"

// A door is a server of the subjects. Each has an address of its own, and all have the same port.
type door byte

const (
	mqtt            door = iota
	datagrams            // that are echoed
	singleDatagrams      // the same, with a session for each
)

// udp reports whether it is one for datagrams.
func (d door) udp() bool { return d != mqtt }

// at is where the door is, by the address of the first.
func (d door) at(first netip.AddrPort) netip.AddrPort {
	ip := first.Addr().As4()
	ip[3] += byte(d)
	return netip.AddrPortFrom(netip.AddrFrom4(ip), first.Port())
}
