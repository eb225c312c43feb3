package geo

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/gaissmai/bart"
)

// A Builder builds a Geo from the lines of its block, in order. It must be used by one goroutine.
type Builder struct {
	warn       func(sentence string)
	g          *Geo
	ranges     *rangesBuilder // nil if the block has networks
	known      map[string]number
	hasNetwork bool
	hasDefault bool // of ranges
}

// NewBuilder starts a Geo for the address in the variable with that index, or Client. warn receives
// nginx's warnings.
func NewBuilder(address int, warn func(sentence string)) *Builder {
	return &Builder{
		warn:  warn,
		g:     &Geo{address: address, networks: &bart.Table[number]{}, values: []string{""}},
		known: map[string]number{"": empty},
	}
}

// ByRanges switches the block from networks to ranges. The error is nginx's sentence.
func (b *Builder) ByRanges() error {
	if b.hasNetwork {
		return errors.New(`the "ranges" directive must be the first directive inside "geo" block`)
	}
	if b.ranges == nil {
		b.ranges = &rangesBuilder{}
	}
	return nil
}

// IsByRanges reports whether ByRanges was called.
func (b *Builder) IsByRanges() bool { return b.ranges != nil }

// SetDefault sets the value for all other addresses.
func (b *Builder) SetDefault(value string) {
	if b.ranges == nil {
		b.SetNetwork("default", netip.PrefixFrom(netip.IPv4Unspecified(), 0), value)
		b.SetNetwork("default", netip.PrefixFrom(netip.IPv6Unspecified(), 0), value)
		return
	}
	if b.hasDefault {
		b.warn(fmt.Sprintf("duplicate default geo range value: \"%s\", old value: \"%s\"", value, b.g.values[b.g.fallback]))
	}
	b.g.fallback, b.hasDefault = b.number(value), true
}

// SetNetwork maps a network, given also as text, to a value.
func (b *Builder) SetNetwork(text string, network netip.Prefix, value string) {
	b.hasNetwork = true
	n := b.number(value)
	if b.addNetwork(network, n) {
		return
	}
	old, _ := b.g.networks.Lookup(network.Addr()) // as nginx: possibly of a smaller network
	b.warn(fmt.Sprintf("duplicate network \"%s\", value: \"%s\", old value: \"%s\"", text, value, b.g.values[old]))
	b.g.networks.Insert(network, n)
}

// addNetwork maps a network to a value unless it already has one, and reports whether it was added.
func (b *Builder) addNetwork(network netip.Prefix, n number) (added bool) {
	b.g.networks.Modify(network, func(old number, exists bool) (number, bool) {
		if exists {
			return old, false
		}
		added = true
		return n, false
	})
	return added
}

// DeleteNetwork removes a network, given also as text.
func (b *Builder) DeleteNetwork(text string, network netip.Prefix) {
	b.hasNetwork = true
	if _, exists := b.g.networks.Get(network); !exists {
		b.warn(fmt.Sprintf("no network \"%s\" to delete", text))
	}
	b.g.networks.Delete(network)
}

// SetRange maps the IPv4 addresses from first to last, given also as text, to a value. The error is
// nginx's sentence.
func (b *Builder) SetRange(text string, first, last netip.Addr, value string) error {
	old, err := b.ranges.add(bits(first), bits(last), b.number(value))
	for _, n := range old {
		b.warn(fmt.Sprintf("duplicate range \"%s\", value: \"%s\", old value: \"%s\"", text, value, b.g.values[n]))
	}
	if err != nil {
		return fmt.Errorf("range \"%s\" overlaps \"%w\"", text, err)
	}
	return nil
}

// DeleteRange removes a range, given also as text.
func (b *Builder) DeleteRange(text string, first, last netip.Addr) {
	if !b.ranges.remove(bits(first), bits(last)) {
		b.warn(fmt.Sprintf("no address range \"%s\" to delete", text))
	}
}

// Geo returns the result. The Builder must not be used after that.
func (b *Builder) Geo() *Geo {
	if b.ranges != nil {
		b.g.ranges = b.ranges.ranges()
	}
	return b.g
}

// number returns the number of a value; each distinct value is stored once.
func (b *Builder) number(value string) number {
	if n, ok := b.known[value]; ok {
		return n
	}
	value = strings.Clone(value)
	n := number(len(b.g.values))
	b.g.values = append(b.g.values, value)
	b.known[value] = n
	return n
}
