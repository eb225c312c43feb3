// Package geoip reads databases in MaxMind's first format, such as GeoIP.dat, and provides
// variables with their data for the client's address.
//
// See https://nginx.org/en/docs/stream/ngx_stream_geoip_module.html. The format is that of libGeoIP
// 1.6; comments name its functions where the behaviour follows them.
package geoip

import (
	"errors"
	"net/netip"
)

// A Database is a file of one edition, held in memory. It is immutable, and safe for concurrent
// use. In a damaged file, lookups of damaged data find nothing; there is no other effect.
//
// It begins with a binary tree over the bits of an address. A node is a pair of numbers: numbers
// below records are the next nodes, others are the result for an address. The records follow, if
// the edition has any.
type Database struct {
	Edition Edition
	// UTF8 converts names, which files contain in ISO 8859-1, to UTF-8.
	UTF8 bool

	data    string
	width   uint64 // bytes per number in the tree
	records uint64 // the first number that is not a node
}

// ErrCorrupt is returned by Parse for a file that is not a database.
var ErrCorrupt = errors.New("corrupt GeoIP database")

// maxFile is larger than every file: MaxMind's largest had some 100 MB.
const maxFile = 1 << 31

// Parse returns a Database with the given file content.
func Parse(data string) (*Database, error) {
	if uint64(len(data)) > maxFile {
		return nil, ErrCorrupt
	}
	edition, behind, err := findEdition(data)
	if err != nil {
		return nil, err
	}
	d := &Database{Edition: edition, data: data, width: edition.width()}
	if !edition.hasRecords() {
		d.records = countryBegin
		return d, nil
	}
	if len(behind) < 3 {
		return nil, ErrCorrupt
	}
	d.records = number(behind[:3])
	if d.records*2*d.width > uint64(len(data)) {
		return nil, ErrCorrupt
	}
	return d, nil
}

// countryBegin is the first number that is not a node in a country edition: it means the country 0,
// which is no country.
const countryBegin = 16776960

// lastWords is the distance from the end of the file within which _setup_segments searches for the
// mark before the edition.
const lastWords = 20

// findEdition follows _setup_segments: the last three bytes of value 255 precede the edition.
// Without them the file is a country edition.
func findEdition(data string) (edition Edition, behind string, err error) {
	for i := range lastWords {
		at := len(data) - 3 - i
		if at < 0 {
			return 0, "", ErrCorrupt
		}
		if data[at:at+3] != "\xff\xff\xff" {
			continue
		}
		if at+3 == len(data) {
			return 0, "", ErrCorrupt
		}
		edition, err := parseEdition(data[at+3])
		return edition, data[at+4:], err
	}
	return CountryV4, "", nil
}

// number decodes a little-endian number of the file.
func number(b string) uint64 {
	var n uint64
	for i := len(b) - 1; i >= 0; i-- {
		n = n<<8 | uint64(b[i])
	}
	return n
}

// seek walks the tree, as _GeoIP_seek_record. It returns the result for an address: a number from
// records on, the first of which means no result.
func (d *Database) seek(ip netip.Addr) (uint64, bool) {
	bits, n := d.bits(ip)
	node := uint64(0)
	for i := range n {
		at := node * 2 * d.width
		if at+2*d.width > uint64(len(d.data)) {
			return 0, false
		}
		if bits[i/8]>>(7-i%8)&1 == 1 {
			at += d.width
		}
		node = number(d.data[at : at+d.width])
		if node >= d.records {
			return node, node > d.records
		}
	}
	return 0, false
}

// bits returns the address as the tree contains it, and the number of its bits. An IPv4 address is
// converted for an IPv6 tree and the reverse, as in ngx_stream_geoip_addr and its IPv6 counterpart:
// in an IPv4 tree 255.255.255.255 replaces all other addresses. ip need not be valid.
func (d *Database) bits(ip netip.Addr) (bits [16]byte, n int) {
	if d.Edition.isV6() {
		if !ip.IsValid() {
			return bits, 128
		}
		return untunneled(ip.As16()), 128
	}
	v4 := [4]byte{255, 255, 255, 255}
	if ip = ip.Unmap(); ip.Is4() {
		v4 = ip.As4()
	}
	copy(bits[:], v4[:])
	return bits, 32
}

// untunneled returns the IPv4 address in a Teredo address, 2001::/32, which contains it inverted at
// its end.
func untunneled(ip [16]byte) [16]byte {
	if [4]byte(ip[:4]) != [4]byte{0x20, 0x01} {
		return ip
	}
	var inner [16]byte
	for i := 12; i < 16; i++ {
		inner[i] = ^ip[i]
	}
	return inner
}

// record returns the data from the record with that number of the tree on; empty if the file ends
// before it.
func (d *Database) record(n uint64) string {
	at := n + (2*d.width-1)*d.records
	if at >= uint64(len(d.data)) {
		return ""
	}
	return d.data[at:]
}
