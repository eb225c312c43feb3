package geoip

import (
	"net/netip"
	"strconv"

	"weir/stream"
)

// Databases contains the databases of a configuration. The variables of a nil database are not
// found.
type Databases struct{ Country, City, Org *Database }

// Variables returns all variables of the module.
func Variables(d Databases) []stream.Variable {
	vars := []stream.Variable{
		countryVariable("geoip_country_code", d.Country, func(c *Country) string { return c.Code }),
		countryVariable("geoip_country_code3", d.Country, func(c *Country) string { return c.Code3 }),
		countryVariable("geoip_country_name", d.Country, func(c *Country) string { return c.Name(d.Country.UTF8) }),
		{Name: "geoip_org", Get: func(s *stream.Session) (string, bool) {
			if d.Org == nil {
				return "", false
			}
			return d.Org.Org(client(s))
		}},
	}
	for _, v := range cityValues {
		vars = append(vars, stream.Variable{Name: v.name, Get: func(s *stream.Session) (string, bool) {
			if d.City == nil {
				return "", false
			}
			c, ok := d.City.City(client(s))
			if !ok {
				return "", false
			}
			return v.of(c, d.City.UTF8)
		}})
	}
	return vars
}

// client returns the client's address; it is invalid for a unix socket.
func client(s *stream.Session) netip.Addr { return s.Client.Addr.IP.Addr() }

func countryVariable(name string, d *Database, of func(*Country) string) stream.Variable {
	return stream.Variable{Name: name, Get: func(s *stream.Session) (string, bool) {
		if d == nil {
			return "", false
		}
		c, ok := d.Country(client(s))
		if !ok {
			return "", false
		}
		return of(c), true
	}}
}

// cityValues are the variables of a place. As in nginx an empty text is not found, and a number
// always is.
var cityValues = []struct {
	name string
	of   func(c City, utf8 bool) (string, bool)
}{
	{"geoip_city_continent_code", func(c City, _ bool) (string, bool) { return c.Country.Continent, true }},
	{"geoip_city_country_code", func(c City, _ bool) (string, bool) { return c.Country.Code, true }},
	{"geoip_city_country_code3", func(c City, _ bool) (string, bool) { return c.Country.Code3, true }},
	{"geoip_city_country_name", func(c City, utf8 bool) (string, bool) {
		if c.Country == &countries[0] {
			return "", false
		}
		return c.Country.Name(utf8), true
	}},
	{"geoip_region", func(c City, _ bool) (string, bool) { return c.Region, c.Region != "" }},
	{"geoip_region_name", func(c City, _ bool) (string, bool) { return regionName(c.Country.Code, c.Region) }},
	{"geoip_city", func(c City, _ bool) (string, bool) { return c.Name, c.Name != "" }},
	{"geoip_postal_code", func(c City, _ bool) (string, bool) { return c.PostalCode, c.PostalCode != "" }},
	{"geoip_latitude", func(c City, _ bool) (string, bool) { return decimal(c.Latitude), true }},
	{"geoip_longitude", func(c City, _ bool) (string, bool) { return decimal(c.Longitude), true }},
	{"geoip_dma_code", func(c City, _ bool) (string, bool) { return strconv.Itoa(c.DMA), true }},
	{"geoip_area_code", func(c City, _ bool) (string, bool) { return strconv.Itoa(c.Area), true }},
}

func decimal(degrees float32) string { return strconv.FormatFloat(float64(degrees), 'f', 4, 64) }
