//go:build !386 && !arm

// mmdbwriter needs a 64-bit int.

package geoip2

import (
	"bytes"
	"flag"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

var update = flag.Bool("update", false, "write the databases of the conformance scripts")

// A network of a fixture with its record.
type network struct {
	prefix string
	record mmdbtype.DataType
}

// place returns a record in the form of GeoLite2.
func place(code, name string, latitude float64) mmdbtype.Map {
	return mmdbtype.Map{
		"country":  mmdbtype.Map{"iso_code": mmdbtype.String(code), "names": mmdbtype.Map{"en": mmdbtype.String(name)}},
		"location": mmdbtype.Map{"latitude": mmdbtype.Float64(latitude), "accuracy_radius": mmdbtype.Uint16(100)},
		"subdivisions": mmdbtype.Slice{
			mmdbtype.Map{"iso_code": mmdbtype.String(code + "-1")}, mmdbtype.Map{"iso_code": mmdbtype.String(code + "-2")},
		},
	}
}

// kinds returns a record with a value of each type.
func kinds() mmdbtype.Map {
	return mmdbtype.Map{
		"array": mmdbtype.Slice{mmdbtype.String("first"), mmdbtype.String("last")}, "boolean": mmdbtype.Bool(true), "no": mmdbtype.Bool(false),
		"bytes": mmdbtype.Bytes("a\x00b"), "double": mmdbtype.Float64(-42.123456789), "float": mmdbtype.Float32(1.1), "int32": mmdbtype.Int32(-268435456),
		"map": mmdbtype.Map{"mapX": mmdbtype.Map{"utf8_stringX": mmdbtype.String("hello")}}, "uint16": mmdbtype.Uint16(100),
		"uint32": mmdbtype.Uint32(268435456), "uint64": mmdbtype.Uint64(1152921504606846976), "empty": mmdbtype.String(""),
		"uint128": uint128(), "utf8_string": mmdbtype.String("unicode! ☯ - ♫"),
	}
}

func uint128() *mmdbtype.Uint128 {
	n := mmdbtype.Uint128(*new(big.Int).Lsh(big.NewInt(1), 120))
	return &n
}

// built builds the databases of the conformance scripts. The keys are the file names.
func built(t testing.TB) map[string][]byte {
	t.Helper()
	germany, curacao := place("DE", "Germany", 51.5), place("CW", "Curaçao", 12.5)
	return map[string][]byte{
		"places.mmdb": build(t, 6, 1700000000, network{"127.0.0.1/32", germany}, network{"127.0.0.2/32", curacao}, network{"2001:db8::/32", curacao}),
		"later.mmdb":  build(t, 6, 1800000000, network{"127.0.0.1/32", curacao}),
		"four.mmdb":   build(t, 4, 1700000000, network{"127.0.0.0/8", germany}),
		"kinds.mmdb":  build(t, 6, 1700000000, network{"127.0.0.0/8", kinds()}),
	}
}

func build(t testing.TB, version int, epoch int64, networks ...network) []byte {
	t.Helper()
	w, err := mmdbwriter.New(mmdbwriter.Options{
		BuildEpoch: epoch, DatabaseType: "Test", IPVersion: version, RecordSize: 24, IncludeReservedNetworks: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range networks {
		p := netip.MustParsePrefix(n.prefix)
		ip := net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
		if err := w.Insert(&ip, n.record); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestFixtures compares the stored files with the writer's output; -update writes them.
func TestFixtures(t *testing.T) {
	for name, want := range built(t) {
		path := filepath.Join(fixtureDir, name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the writer makes (%v): go test ./stream/geoip2 -run TestFixtures -update", path, err)
		}
	}
}
