//go:build linux

package main

import "net/netip"

// A door is one server block of the subjects. Each has its own address, and all have the same port.
type door byte

const (
	mqtt            door = iota
	datagrams            // are echoed
	singleDatagrams      // as datagrams, with a session for each
	mqttTLS              // as mqtt, with TLS and a P-256 certificate
	mqttRSA              // as mqttTLS, with an RSA-2048 certificate
)

// udp reports whether the door is a UDP server.
func (d door) udp() bool { return d == datagrams || d == singleDatagrams }

// tls reports whether clients of the door use TLS.
func (d door) tls() bool { return d == mqttTLS || d == mqttRSA }

// at returns the door's address; first is the address of the first door.
func (d door) at(first netip.AddrPort) netip.AddrPort {
	ip := first.Addr().As4()
	ip[3] += byte(d)
	return netip.AddrPortFrom(netip.AddrFrom4(ip), first.Port())
}
