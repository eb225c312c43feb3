package geo

import (
	"fmt"
	"slices"
)

// ranges are ranges of IPv4 addresses, split at the boundaries of the 65536 blocks of addresses
// with the same first two octets.
type ranges struct {
	begin []uint32 // for each block its first segment, and one more
	all   []segment
}

// A segment is a range within its block.
type segment struct {
	first, last uint16
	value       number
}

// numBlocks is the number of values of two octets.
const numBlocks = 1 << 16

// find returns the value of the range that contains the address.
func (r *ranges) find(ip uint32) (number, bool) {
	block, low := ip>>16, uint16(ip)
	in := r.all[r.begin[block]:r.begin[block+1]]
	i, _ := slices.BinarySearchFunc(in, low, func(s segment, low uint16) int { return int(s.last) - int(low) })
	if i < len(in) && in[i].first <= low {
		return in[i].value, true
	}
	return 0, false
}

// A rangesBuilder collects segments by block.
type rangesBuilder struct {
	blocks [numBlocks][]segment
}

// An overlap is the segment of a block that conflicts with a range.
type overlap struct {
	block int
	segment
}

// Error returns the range as nginx writes it.
func (o *overlap) Error() string {
	a, b := o.block>>8, o.block&255
	return fmt.Sprintf("%d.%d.%d.%d-%d.%d.%d.%d", a, b, o.first>>8, o.first&255, a, b, o.last>>8, o.last&255)
}

// add adds the addresses from first to last, as ngx_stream_geo_add_range. It returns the old values
// of segments with exactly the same addresses. The error is an *overlap.
func (b *rangesBuilder) add(first, last uint32, value number) (old []number, err error) {
	for block := first >> 16; block <= last>>16; block++ {
		s := within(block, first, last)
		s.value = value
		was, replaced, clash := insert(&b.blocks[block], s)
		if replaced {
			old = append(old, was)
		}
		if clash != nil {
			return old, &overlap{int(block), *clash}
		}
	}
	return old, nil
}

// within returns the part of the addresses from first to last that is in a block.
func within(block, first, last uint32) segment {
	s := segment{0, 0xffff, 0}
	if block == first>>16 {
		s.first = uint16(first)
	}
	if block == last>>16 {
		s.last = uint16(last)
	}
	return s
}

// insert inserts s into the segments of a block, starting with the last, because most files are in
// rising order. It may replace a segment, or split one that contains s; any other that overlaps s
// is the clash.
func insert(all *[]segment, s segment) (old number, replaced bool, clash *segment) {
	i := len(*all) - 1
	for i >= 0 && s.last < (*all)[i].first {
		i--
	}
	if i < 0 || s.first > (*all)[i].last {
		*all = slices.Insert(*all, i+1, s)
		return 0, false, nil
	}
	at := &(*all)[i]
	switch {
	case s.first == at.first && s.last == at.last:
		old, at.value = at.value, s.value
		return old, true, nil
	case s.first < at.first || s.last > at.last:
		return 0, false, at
	}
	*all = slices.Replace(*all, i, i+1, cut(*at, s)...)
	return 0, false, nil
}

// cut returns the pieces of outer with s in its middle or at one of its ends.
func cut(outer, s segment) []segment {
	var pieces []segment
	if outer.first < s.first {
		pieces = append(pieces, segment{outer.first, s.first - 1, outer.value})
	}
	pieces = append(pieces, s)
	if s.last < outer.last {
		pieces = append(pieces, segment{s.last + 1, outer.last, outer.value})
	}
	return pieces
}

// remove removes the addresses from first to last, and reports whether each block had exactly this
// part of them.
func (b *rangesBuilder) remove(first, last uint32) (all bool) {
	all = true
	for block := first >> 16; block <= last>>16; block++ {
		s := within(block, first, last)
		in := &b.blocks[block]
		i := slices.IndexFunc(*in, func(o segment) bool { return o.first == s.first && o.last == s.last })
		if i < 0 {
			all = false
			continue
		}
		*in = slices.Delete(*in, i, i+1)
	}
	return all
}

// ranges returns the ranges added.
func (b *rangesBuilder) ranges() *ranges {
	r := &ranges{begin: make([]uint32, 0, numBlocks+1)}
	n := 0
	for _, block := range &b.blocks {
		r.begin = append(r.begin, uint32(n))
		n += len(block)
	}
	r.begin = append(r.begin, uint32(n))
	r.all = make([]segment, 0, n)
	for _, block := range &b.blocks {
		r.all = append(r.all, block...)
	}
	return r
}
