// Package geoip reads databases of MaxMind's first format, GeoIP.dat and its like, and makes variables of what they say of the client's
// address.
//
// See https://nginx.org/en/docs/stream/ngx_stream_geoip_module.html. The format is that of libGeoIP 1.6, whose functions are named
// where behaviour is theirs.
package geoip

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"strings"
)

// A Database is a file of one edition, held in memory. It is immutable, and safe for use by any number of goroutines. A damaged
// file has no answers where it is damaged, and does no other harm.
//
// It begins with a binary tree over the bits of an address. A node is a pair of numbers: the next nodes, or from records on what
// an address means. Then come the records, if the edition has any.
type Database struct {
	Edition Edition
	// UTF8 says that names, which files have in ISO 8859-1, are given in UTF-8.
	UTF8 bool

	data    string
	width   uint64 // bytes of a number in the tree
	records uint64 // the first number that is no node
}

// ErrCorrupt is what Open and Parse say of a file that is no database.
var ErrCorrupt = errors.New("corrupt GeoIP database")

// Open reads the file at path, as GeoIP_open with GEOIP_MEMORY_CACHE.
func Open(path string) (*Database, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, ErrCorrupt
	}
	var b strings.Builder
	b.Grow(int(info.Size()))
	if _, err := io.Copy(&b, io.LimitReader(f, info.Size())); err != nil {
		return nil, err
	}
	return Parse(b.String())
}

// maxFile is beyond every file: MaxMind's largest had some 100 MB.
const maxFile = 1 << 31

// Parse makes a Database of the content of a file.
func Parse(data string) (*Database, error) {
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

// countryBegin is the first number that is no node in an edition of countries: it stands for the country 0, which is none.
const countryBegin = 16776960

// lastWords is how far from the end of the file _setup_segments looks for the mark before the edition.
const lastWords = 20

// findEdition follows _setup_segments: the last three bytes of 255 stand before the edition. Without them the file is of countries.
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

// number is a number of the file, its least byte first.
func number(b string) uint64 {
	var n uint64
	for i := len(b) - 1; i >= 0; i-- {
		n = n<<8 | uint64(b[i])
	}
	return n
}

// seek walks the tree, as _GeoIP_seek_record. It finds what an address means: a number from records on, of which the first
// means nothing.
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

// bits are the address as the tree has it, and their number. An IPv4 address is looked for in IPv6, and the other way round, as in
// ngx_stream_geoip_addr and its twin: in an IPv4 tree 255.255.255.255 stands for all that is no IPv4 address. ip need not be valid.
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

// untunneled is the address behind a Teredo address, 2001::/32, which holds it inverted at its end.
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

// record is the data that begins at the record with that number from the tree; empty where the file ends before.
func (d *Database) record(n uint64) string {
	at := n + (2*d.width-1)*d.records
	if at >= uint64(len(d.data)) {
		return ""
	}
	return d.data[at:]
}
