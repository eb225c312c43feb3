package geoip

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the databases of the conformance scripts")

// The numbers of some countries.
const (
	curacao = 10
	germany = 56
	russia  = 185
	america = 225
)

// fixtures returns the databases of the conformance scripts, by file name.
func fixtures() map[string]string {
	moscow := place(russia, 55.7522, 37.6156, 0, "48", "Moscow", "101000")
	washington := place(america, 38.8951, -77.0364, 511202, "DC", "Washington", "20001")
	koeln := place(germany, 50.9333, 6.95, 0, "07", "K\xf6ln", "")
	nowhere := place(0, 0, 0, 0, "", "", "")
	return map[string]string{
		"country.dat":   newWriter(CountryV4).country("127.0.0.1/32", russia).country("127.0.0.2/32", curacao).country("255.0.0.0/8", america).String(),
		"countryv6.dat": newWriter(CountryV6).country("127.0.0.1/32", russia).country("2001:db8::/32", curacao).country("::c000:201/128", america).String(),
		"city.dat": newWriter(CityRev1V4).record("127.0.0.1/32", moscow).record("127.0.0.2/32", washington).record("127.0.0.3/32", koeln).
			record("127.0.0.4/32", nowhere).String(),
		"cityrev0.dat": newWriter(CityRev0V4).record("127.0.0.2/32", washington).String(),
		"cityv6.dat":   newWriter(CityRev1V6).record("127.0.0.1/32", moscow).record("2001:db8::/32", washington).String(),
		"org.dat":      newWriter(OrgV4).record("127.0.0.1/32", "Stra\xdfe AG\x00").record("255.255.255.255/32", "nobody\x00").String(),
		"orgv6.dat":    newWriter(OrgV6).record("2001:db8::/32", "Six Ltd\x00").String(),
		"asnum.dat":    newWriter(ASNumV4).record("127.0.0.0/8", "AS64496 Example\x00").String(),
		"proxy.dat":    newWriter(CountryV4).String()[:6] + "\xff\xff\xff\x08",
	}
}

// TestFixtures checks that the files equal the writer's output; -update writes them.
func TestFixtures(t *testing.T) {
	const dir = "../../../conformance/testdata/geoip"
	for name, want := range fixtures() {
		path := filepath.Join(dir, name)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is not what the writer makes (%v): go test ./stream/geoip -run TestFixtures -update", path, err)
		}
	}
}
