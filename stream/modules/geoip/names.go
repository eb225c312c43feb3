package geoip

import (
	_ "embed"
	"strings"
	"sync"
)

// A Country is one of the numbered countries of libGeoIP.
type Country struct {
	Code, Code3, Continent string
	name, utf8             string
}

// Name returns the English name, in UTF-8 or in ASCII.
func (c *Country) Name(utf8 bool) string {
	if utf8 {
		return c.utf8
	}
	return c.name
}

// The tables of libGeoIP 1.6.12, as its functions return them: for each country number the code,
// the three-letter code, the continent and the name, and another name if it is not ASCII; for each
// code of a country and a region in it the name.
var (
	//go:embed countries.tsv
	countryLines string
	//go:embed regions.tsv
	regionLines string
)

// countries has an entry for each byte. The first means no country.
var countries = readCountries()

func readCountries() (all [256]Country) {
	i := 0
	for line := range strings.Lines(countryLines) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		all[i] = Country{Code: f[0], Code3: f[1], Continent: f[2], name: f[3], utf8: f[len(f)-1]}
		i++
	}
	return all
}

// regions contains the names of regions by the country code followed by the region code. It is
// loaded on first use.
var regions = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for line := range strings.Lines(regionLines) {
		code, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		names[code] = name
	}
	return names
})

// regionName follows GeoIP_region_name_by_code, which uses the first two letters of a region code.
func regionName(country, region string) (string, bool) {
	if len(region) < 2 {
		return "", false
	}
	name, ok := regions()[country+region[:2]]
	return name, ok
}
