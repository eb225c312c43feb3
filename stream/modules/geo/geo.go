// Package geo provides variables whose values depend on an IP address.
//
// See https://nginx.org/en/docs/stream/ngx_stream_geo_module.html.
package geo

import (
	"encoding/binary"
	"net/netip"

	"github.com/gaissmai/bart"

	"weir/stream"
)

// Client replaces the index of a variable to select the client's address.
const Client = -1

// A Geo is a compiled geo block. It is immutable.
type Geo struct {
	address  int // the index of a variable, or Client
	networks *bart.Table[number]
	ranges   *ranges // nil if the block has networks
	values   []string
	fallback number // for addresses outside all ranges
}

// A number identifies a value.
type number uint32

// empty is the number of the empty string.
const empty number = 0

// noAddress is the address used when there is no valid address.
var noAddress = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// Get returns the value for session s: that of the smallest network or range that contains the
// address. It is found even if it is empty by default. Only evaluating the address may allocate.
func (g *Geo) Get(s *stream.Session) (string, bool) {
	return g.values[g.find(g.addr(s))], true
}

// addr follows ngx_stream_geo_addr. An IPv4-mapped address counts as IPv4.
func (g *Geo) addr(s *stream.Session) netip.Addr {
	if g.address == Client {
		return known(s.Client.Addr.IP.Addr())
	}
	text, _ := s.Value(g.address)
	return known(stream.ParseIP(text))
}

func known(ip netip.Addr) netip.Addr {
	if !ip.IsValid() {
		return noAddress
	}
	return ip.Unmap().WithZone("")
}

func (g *Geo) find(ip netip.Addr) number {
	if g.ranges == nil {
		n, _ := g.networks.Lookup(ip)
		return n
	}
	if !ip.Is4() {
		ip = noAddress
	}
	if n, ok := g.ranges.find(bits(ip)); ok {
		return n
	}
	return g.fallback
}

// bits returns an IPv4 address as a number.
func bits(ip netip.Addr) uint32 {
	b := ip.As4()
	return binary.BigEndian.Uint32(b[:])
}
