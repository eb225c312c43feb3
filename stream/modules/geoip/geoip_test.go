package geoip

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"weir/stream"
	"weir/stream/offline"
)

func parse(t testing.TB, name string, utf8 bool) *Database {
	t.Helper()
	d, err := Parse(fixtures()[name])
	if err != nil {
		t.Fatal(err)
	}
	d.UTF8 = utf8
	return d
}

// session returns a session of a client at that address; empty means a unix socket.
func session(t testing.TB, ip string) *stream.Session {
	t.Helper()
	s := offline.NewSession(t, &stream.Listen{Config: stream.NewConfig(), Default: &stream.Server{}})
	s.Client.Addr = stream.UnixAddr("")
	if ip != "" {
		s.Client.Addr = stream.Addr{IP: netip.AddrPortFrom(netip.MustParseAddr(ip), 1)}
	}
	return s.Session
}

// values returns the variables of a client: NAME=VALUE without "geoip_", for those that are found.
func values(t testing.TB, d Databases, ip string) string {
	t.Helper()
	s := session(t, ip)
	var found []string
	for _, v := range Variables(d) {
		if text, ok := v.Get(s); ok {
			found = append(found, strings.TrimPrefix(v.Name, "geoip_")+"="+text)
		}
	}
	return strings.Join(found, " ")
}

func TestVariables(t *testing.T) {
	const (
		moscow = "city_continent_code=EU city_country_code=RU city_country_code3=RUS city_country_name=Russian Federation region=48 " +
			"region_name=Moscow City city=Moscow postal_code=101000 latitude=55.7522 longitude=37.6156 dma_code=0 area_code=0"
		washington = "city_continent_code=NA city_country_code=US city_country_code3=USA city_country_name=United States region=DC " +
			"region_name=District of Columbia city=Washington postal_code=20001 latitude=38.8951 longitude=-77.0364"
		nowhere = "city_continent_code=-- city_country_code=-- city_country_code3=-- latitude=0.0000 longitude=0.0000 dma_code=0 area_code=0"
		koeln   = "city_continent_code=EU city_country_code=DE city_country_code3=DEU city_country_name=Germany region=07 " +
			"region_name=Nordrhein-Westfalen "
		russia = "country_code=RU country_code3=RUS country_name=Russian Federation"
	)
	tests := []struct {
		name, file string
		utf8       bool
		ip, want   string
	}{
		{"no database", "", false, "127.0.0.1", ""},
		{"country", "country.dat", false, "127.0.0.1", russia},
		{"country, IPv4 in IPv6", "country.dat", false, "::ffff:127.0.0.1", russia},
		{"country, plain", "country.dat", false, "127.0.0.2", "country_code=CW country_code3=CUW country_name=Curacao"},
		{"country, utf8", "country.dat", true, "127.0.0.2", "country_code=CW country_code3=CUW country_name=Curaçao"},
		{"country, unknown", "country.dat", false, "127.0.0.3", ""},
		{"country, no address", "country.dat", false, "0.0.0.0", ""},
		{"country, IPv6 client", "country.dat", false, "2001:db8::1", "country_code=US country_code3=USA country_name=United States"},
		{"country, unix client", "country.dat", false, "", "country_code=US country_code3=USA country_name=United States"},
		{"country, IPv4 in an IPv6 tree", "countryv6.dat", false, "127.0.0.1", russia},
		{"country, IPv6", "countryv6.dat", true, "2001:db8::1", "country_code=CW country_code3=CUW country_name=Curaçao"},
		{"country, teredo", "countryv6.dat", false, "2001:0:1234::3fff:fdfe", "country_code=US country_code3=USA country_name=United States"},
		{"country, unix client in an IPv6 tree", "countryv6.dat", false, "", ""},
		{"city", "city.dat", false, "127.0.0.1", moscow},
		{"city with areas", "city.dat", false, "127.0.0.2", washington + " dma_code=511 area_code=202"},
		{"city of the first edition", "cityrev0.dat", false, "127.0.0.2", washington + " dma_code=0 area_code=0"},
		{"city in ISO 8859-1", "city.dat", false, "127.0.0.3", koeln + "city=K\xf6ln latitude=50.9333 longitude=6.9500 dma_code=0 area_code=0"},
		{"city in UTF-8", "city.dat", true, "127.0.0.3", koeln + "city=Köln latitude=50.9333 longitude=6.9500 dma_code=0 area_code=0"},
		{"city without a country", "city.dat", false, "127.0.0.4", nowhere},
		{"city, unknown", "city.dat", false, "127.0.0.5", ""},
		{"city, IPv6", "cityv6.dat", false, "2001:db8::1", washington + " dma_code=511 area_code=202"},
		{"city, IPv4 in an IPv6 tree", "cityv6.dat", false, "127.0.0.1", moscow},
		{"org in ISO 8859-1", "org.dat", false, "127.0.0.1", "org=Stra\xdfe AG"},
		{"org in UTF-8", "org.dat", true, "127.0.0.1", "org=Straße AG"},
		{"org, unknown", "org.dat", false, "127.0.0.2", ""},
		{"org, unix client", "org.dat", false, "", "org=nobody"},
		{"org, IPv6", "orgv6.dat", false, "2001:db8::1", "org=Six Ltd"},
		{"numbers of three bytes", "asnum.dat", false, "127.9.9.9", "org=AS64496 Example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var all Databases
			if tt.file != "" {
				all = databases(parse(t, tt.file, tt.utf8))
			}
			if got := values(t, all, tt.ip); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// databases assigns d to the field for its edition.
func databases(d *Database) Databases {
	switch {
	case d.Edition.IsCountry():
		return Databases{Country: d}
	case d.Edition.IsCity():
		return Databases{City: d}
	}
	return Databases{Org: d}
}

func TestParse(t *testing.T) {
	pad := strings.Repeat("\x00", lastWords+3)
	tests := []struct {
		name, data string
		want       Edition // 0 means corrupt
	}{
		{"empty", "", 0},
		{"short", "not long enough", 0},
		{"no mark", pad, CountryV4},
		{"mark at the end", pad + "\xff\xff\xff", 0},
		{"edition", pad + "\xff\xff\xff\x0c", CountryV6},
		{"edition of 2003", pad + "\xff\xff\xff\x6a", CountryV4},
		{"unknown edition", pad + "\xff\xff\xff\x63", 0},
		{"edition that nothing asks", pad + "\xff\xff\xff\x08", 8},
		{"no place of records", pad + "\xff\xff\xff\x02\x00", 0},
		{"records beyond the end", pad + "\xff\xff\xff\x02\xff\xff\x00", 0},
		{"records", pad + "\xff\xff\xff\x02\x01\x00\x00", CityRev1V4},
		{"mark too far away", "\xff\xff\xff\x0c" + pad, CountryV4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Parse(tt.data)
			if (err == nil) != (tt.want != 0) || err == nil && d.Edition != tt.want || err != nil && !errors.Is(err, ErrCorrupt) {
				t.Errorf("got %+v, %v, want edition %d", d, err, tt.want)
			}
		})
	}
}

// TestGetAllocatesNothing checks texts that need no conversion.
func TestGetAllocatesNothing(t *testing.T) {
	d := Databases{parse(t, "country.dat", true), parse(t, "city.dat", true), parse(t, "org.dat", false)}
	s := session(t, "127.0.0.1")
	regionName("US", "DC")
	for _, v := range Variables(d) {
		if v.Name == "geoip_latitude" || v.Name == "geoip_longitude" {
			continue
		}
		if n := testing.AllocsPerRun(100, func() { v.Get(s) }); n > 0 {
			t.Errorf("%s: got %.0f allocations", v.Name, n)
		}
	}
}

// FuzzDatabase makes every kind of lookup in an arbitrary file.
func FuzzDatabase(f *testing.F) {
	for _, data := range fixtures() {
		f.Add(data, []byte{127, 0, 0, 1})
		f.Add(data[:len(data)/2]+data[len(data)-10:], []byte{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	}
	f.Fuzz(func(t *testing.T, data string, address []byte) {
		d, err := Parse(data)
		if err != nil {
			return
		}
		d.UTF8 = len(address)%2 == 0
		ip, _ := netip.AddrFromSlice(address)
		d.Country(ip)
		d.Org(ip)
		if c, ok := d.City(ip); ok {
			regionName(c.Country.Code, c.Region)
		}
	})
}
