package geoip

import (
	"net/netip"
	"strings"
)

// Country returns the country of an address, as the functions GeoIP_country_*_by_ipnum; false if it
// is unknown. The database must be a country edition. ip need not be valid.
func (d *Database) Country(ip netip.Addr) (*Country, bool) {
	if !d.Edition.isV6() && ip.Unmap() == netip.IPv4Unspecified() {
		return nil, false
	}
	n, ok := d.seek(ip)
	if !ok || n-d.records >= uint64(len(countries)) {
		return nil, false
	}
	return &countries[n-d.records], true
}

// Org returns the name of the organization that has an address: GeoIP_name_by_ipnum. The database
// must contain organizations, providers, domains or autonomous systems. ip need not be valid.
func (d *Database) Org(ip netip.Addr) (string, bool) {
	n, ok := d.seek(ip)
	if !ok {
		return "", false
	}
	name, _, ok := strings.Cut(d.record(n), "\x00")
	if !ok {
		return "", false
	}
	return d.text(name), true
}

// A City is the place of an address. Empty texts are unknown.
type City struct {
	Country             *Country
	Region, Name        string
	PostalCode          string
	Latitude, Longitude float32 // degrees
	DMA, Area           int     // US codes; 0 if unknown
}

// City returns the place of an address: GeoIP_record_by_ipnum. The database must be a city edition.
// ip need not be valid.
func (d *Database) City(ip netip.Addr) (c City, ok bool) {
	n, ok := d.seek(ip)
	if !ok {
		return City{}, false
	}
	return d.city(d.record(n))
}

// city parses a record: the country, three texts that end with 0, and numbers of three bytes.
func (d *Database) city(record string) (c City, ok bool) {
	if record == "" {
		return City{}, false
	}
	c.Country = &countries[record[0]]
	rest := record[1:]
	for _, text := range []*string{&c.Region, &c.Name, &c.PostalCode} {
		if *text, rest, ok = strings.Cut(rest, "\x00"); !ok {
			return City{}, false
		}
	}
	if len(rest) < 6 {
		return City{}, false
	}
	c.Name = d.text(c.Name)
	c.Latitude, c.Longitude = degrees(rest[:3]), degrees(rest[3:6])
	if d.Edition.hasAreas() && c.Country.Code == "US" && len(rest) >= 9 {
		codes := int(number(rest[6:9]))
		c.DMA, c.Area = codes/1000, codes%1000
	}
	return c, true
}

func degrees(b string) float32 { return float32(float64(number(b))/10000 - 180) }

// text returns a name of the file in the requested encoding.
func (d *Database) text(latin1 string) string {
	if !d.UTF8 || isASCII(latin1) {
		return latin1
	}
	runes := make([]rune, len(latin1))
	for i := range len(latin1) {
		runes[i] = rune(latin1[i])
	}
	return string(runes)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
