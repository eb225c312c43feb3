package geoip

import (
	"net/netip"
	"strings"
)

// A writer builds the content of a database.
type writer struct {
	edition Edition
	width   int // bytes per number in the tree
	nodes   [][2]slot
	records strings.Builder
}

// A slot of a node is the next node or the result for an address; the zero slot has no result.
type slot struct{ next, record int }

func newWriter(edition Edition) *writer {
	w := &writer{edition: edition, width: int(edition.width()), nodes: make([][2]slot, 1)}
	w.records.WriteByte(0) // the record that means no result
	return w
}

// country maps a network to the country with that number.
func (w *writer) country(network string, number int) *writer { return w.put(network, number) }

// record maps a network to a record.
func (w *writer) record(network, content string) *writer {
	at := w.records.Len()
	w.records.WriteString(content)
	return w.put(network, at)
}

// put maps a network that does not overlap an earlier one. In an IPv6 tree IPv4 networks are under
// ::ffff:0:0/96.
func (w *writer) put(network string, record int) *writer {
	p := netip.MustParsePrefix(network)
	bits, length := w.bits(p)
	node := 0
	for i := range length {
		s := &w.nodes[node][bits[i/8]>>(7-i%8)&1]
		if i == length-1 {
			s.record = record
			break
		}
		if s.next == 0 {
			s.next = len(w.nodes)
			w.nodes = append(w.nodes, [2]slot{})
			s = &w.nodes[node][bits[i/8]>>(7-i%8)&1]
			s.next = len(w.nodes) - 1
		}
		node = s.next
	}
	return w
}

func (w *writer) bits(p netip.Prefix) (bits []byte, length int) {
	if !w.edition.isV6() {
		return p.Addr().AsSlice(), p.Bits()
	}
	six := p.Addr().As16()
	if p.Addr().Is4() {
		return six[:], 96 + p.Bits()
	}
	return six[:], p.Bits()
}

// String returns the content of the file.
func (w *writer) String() string {
	var b strings.Builder
	first := len(w.nodes)
	if w.edition.IsCountry() {
		first = countryBegin
	}
	for _, node := range w.nodes {
		for _, s := range node {
			n := s.next
			if n == 0 {
				n = first + s.record
			}
			b.Write(little(n, w.width))
		}
	}
	if !w.edition.IsCountry() {
		b.WriteString(w.records.String())
	}
	b.WriteString("\xff\xff\xff")
	b.WriteByte(byte(w.edition))
	if !w.edition.IsCountry() {
		b.Write(little(first, 3))
	}
	return b.String()
}

// little encodes n in width bytes, little-endian.
func little(n, width int) []byte {
	b := make([]byte, width)
	for i := range b {
		b[i] = byte(n >> (8 * i))
	}
	return b
}

// place returns a city record. texts are the region, the name and the postal code.
func place(country int, latitude, longitude float64, codes int, texts ...string) string {
	var b strings.Builder
	b.WriteByte(byte(country))
	for _, t := range texts {
		b.WriteString(t + "\x00")
	}
	b.Write(little(int((latitude+180)*10000+0.5), 3))
	b.Write(little(int((longitude+180)*10000+0.5), 3))
	b.Write(little(codes, 3))
	return b.String()
}
