//go:build linux

package main

import "net/netip"

// A serverBlock is one server block of the subjects. Each has its own address, and all have the same port.
type serverBlock byte

const (
	mqtt            serverBlock = iota
	datagrams                   // are echoed
	singleDatagrams             // as datagrams, with a session for each
	mqttTLS                     // as mqtt, with TLS and a P-256 certificate
	mqttRSA                     // as mqttTLS, with an RSA-2048 certificate
)

// udp reports whether the block is a UDP server.
func (d serverBlock) udp() bool { return d == datagrams || d == singleDatagrams }

// tls reports whether clients of the block use TLS.
func (d serverBlock) tls() bool { return d == mqttTLS || d == mqttRSA }

// at returns the address of the block; first is the address of the first block.
func (d serverBlock) at(first netip.AddrPort) netip.AddrPort {
	ip := first.Addr().As4()
	ip[3] += byte(d)
	return netip.AddrPortFrom(netip.AddrFrom4(ip), first.Port())
}
