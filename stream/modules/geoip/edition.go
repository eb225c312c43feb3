package geoip

import "fmt"

// An Edition is the type of a database, by libGeoIP's numbers.
type Edition int

// The editions that nginx supports.
const (
	CountryV4  Edition = 1
	CityRev1V4 Edition = 2
	ISPV4      Edition = 4
	OrgV4      Edition = 5
	CityRev0V4 Edition = 6
	ASNumV4    Edition = 9
	DomainV4   Edition = 11
	CountryV6  Edition = 12
	ASNumV6    Edition = 21
	ISPV6      Edition = 22
	OrgV6      Edition = 23
	DomainV6   Edition = 24
	CityRev1V6 Edition = 30
	CityRev0V6 Edition = 31
)

// others are valid editions that no nginx directive uses.
var others = map[Edition]bool{
	3: true, 7: true, 8: true, 10: true, 13: true, 14: true, 17: true, 18: true, 26: true, 27: true, 28: true, 29: true, 32: true, 33: true,
	34: true, 35: true, 36: true, 37: true, 38: true,
}

// oldEditions is the offset that files of 2003 and earlier add to the number.
const oldEditions = 105

// parseEdition parses the edition byte. It refuses editions for which _setup_segments cannot locate
// the records.
func parseEdition(b byte) (Edition, error) {
	e := Edition(int8(b))
	if e > oldEditions {
		e -= oldEditions
	}
	if !e.IsCountry() && !e.IsCity() && !e.IsOrg() && !others[e] {
		return 0, fmt.Errorf("%w of type %d", ErrCorrupt, e)
	}
	return e, nil
}

// IsCountry reports whether geoip_country accepts the edition.
func (e Edition) IsCountry() bool { return e == CountryV4 || e == CountryV6 }

// IsCity reports whether geoip_city accepts the edition.
func (e Edition) IsCity() bool {
	return e == CityRev0V4 || e == CityRev0V6 || e.hasAreas()
}

// IsOrg reports whether geoip_org accepts the edition.
func (e Edition) IsOrg() bool {
	switch e {
	case ISPV4, OrgV4, ASNumV4, DomainV4, ISPV6, OrgV6, ASNumV6, DomainV6:
		return true
	}
	return false
}

// hasAreas reports whether records of places in the US have area codes.
func (e Edition) hasAreas() bool { return e == CityRev1V4 || e == CityRev1V6 }

// isV6 reports whether the tree is over IPv6 addresses.
func (e Edition) isV6() bool {
	return e == CountryV6 || 21 <= e && e <= 24 || e == CityRev0V6 || e == CityRev1V6
}

// width returns the number of bytes per number in the tree.
func (e Edition) width() uint64 {
	switch e {
	case ISPV4, OrgV4, DomainV4, ISPV6, OrgV6, DomainV6:
		return 4
	}
	return 3
}

// hasRecords reports whether records follow the tree. For the unused editions the result does not
// matter.
func (e Edition) hasRecords() bool { return e.IsCity() || e.IsOrg() }
