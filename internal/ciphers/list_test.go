package ciphers

import (
	"errors"
	"maps"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"weir/conformance/installed"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		list  string
		want  string // the first names
		count int
		level int
	}{
		{"HIGH:!aNULL:!MD5", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:DHE-DSS-AES256-GCM-SHA384", 125, 2},
		{"DEFAULT", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES256-GCM-SHA384", 57, 2},
		{"DEFAULT@SECLEVEL=0", "ECDHE-ECDSA-AES256-GCM-SHA384", 57, 0},
		{"DEFAULT:@SECLEVEL=1:!DHE", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305", 50, 1},
		{"ECDHE+AESGCM:ECDHE+CHACHA20", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256", 6, 2},
		{"AES128-SHA,AES256-SHA:+AES128-SHA", "AES256-SHA:AES128-SHA", 2, 2},
		{"AES128-SHA:AES256-SHA:@STRENGTH", "AES256-SHA:AES128-SHA", 2, 2},
		{"AES128-SHA:AES256-SHA:-AES128-SHA:AES128-SHA", "AES256-SHA:AES128-SHA", 2, 2},
		{"AES128-SHA:!kRSA:AES256-SHA:ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", 1, 2},
		{"unknown:AES128-SHA:un+AES", "AES128-SHA", 1, 2},
		{"NULL-MD5", "NULL-MD5", 1, 2},
	} {
		l, err := Parse(c.list)
		if err != nil {
			t.Errorf("%s: %v", c.list, err)
			continue
		}
		if got := strings.Join(l.Names, ":"); !strings.HasPrefix(got, c.want) || len(l.Names) != c.count || l.Level != c.level {
			t.Errorf("%s: got level %d and %d names %s, want level %d and %d names %s", c.list, l.Level, len(l.Names), got, c.level, c.count, c.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for list, want := range map[string]error{
		"": ErrNoMatch, "FOO": ErrNoMatch, "HIGH:-ALL": ErrNoMatch, "@SECLEVEL=2": ErrNoMatch, "TLS_AES_128_GCM_SHA256": ErrNoMatch,
		"3DES": ErrNoMatch, "HIGH:@FOO": ErrInvalidCommand, "@SECLEVEL=9": ErrInvalidCommand, "HIGH:(": ErrInvalidCommand, "HIGH:!": ErrInvalidCommand,
	} {
		if l, err := Parse(list); !errors.Is(err, want) {
			t.Errorf("%q: got %v and %v, want %v", list, l.Names, err, want)
		}
	}
}

func TestSuitesAndMissing(t *testing.T) {
	l, err := Parse("ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256:ECDHE+CHACHA20:DHE+CHACHA20:AES128-SHA")
	if err != nil {
		t.Fatal(err)
	}
	if want := []uint16{0xC02F, 0xCCA9, 0xCCA8, 0x002F}; !slices.Equal(l.Suites, want) {
		t.Errorf("suites: got %x, want %x", l.Suites, want)
	}
	if want := []string{"DHE-RSA-AES128-GCM-SHA256"}; !slices.Equal(l.Missing, want) {
		t.Errorf("missing: got %v, want %v", l.Missing, want)
	}
}

// TestUnprotectedSuites checks that suites without protection against timing attacks must be named.
func TestUnprotectedSuites(t *testing.T) {
	for list, want := range map[string][]uint16{
		"ECDHE-RSA-AES128-SHA256:AES128-SHA256": {0xC027, 0x003C}, "AES128+SHA256:AES128-SHA": {0x002F}, "kRSA+SHA256": nil,
	} {
		l, err := Parse(list)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(l.Suites, want) {
			t.Errorf("%s: got %x, want %x", list, l.Suites, want)
		}
	}
}

// TestNginxDefaultCoversGo checks that the default of ssl_ciphers has each modern suite of crypto/tls.
func TestNginxDefaultCoversGo(t *testing.T) {
	l, err := Parse("HIGH:!aNULL:!MD5")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []uint16{0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9} {
		if !slices.Contains(l.Suites, id) {
			t.Errorf("%s is missing", Name(id))
		}
	}
}

func TestOffered(t *testing.T) {
	got := Offered([]uint16{0x0a0a, 0x1301, 0xC02B, 0x00FF, 0x5600, 0xFFFE})
	want := "0x0a0a:TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:TLS_EMPTY_RENEGOTIATION_INFO_SCSV:TLS_FALLBACK_SCSV:0xfffe"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestEachSuiteHasName checks that each suite that crypto/tls can negotiate by a list has a name,
// except for those that OpenSSL 3.0 does not offer.
func TestEachSuiteHasName(t *testing.T) {
	without := []uint16{0x0005, 0x000a, 0xc007, 0xc011, 0xc012, 0xc008}
	for id := range goSuites {
		if Name(id) == "" && !slices.Contains(without, id) {
			t.Errorf("%#04x has no name", id)
		}
	}
}

// TestAgainstOpenSSL compares generated lists with the openssl program.
func TestAgainstOpenSSL(t *testing.T) {
	openssl := openSSL3(t)
	words := slices.Concat(slices.Sorted(maps.Keys(aliases)), slices.Sorted(maps.Keys(byName)), []string{"FOO", "DEFAULT", "TLS_AES_128_GCM_SHA256"})
	lists := 100
	if testing.Short() {
		lists = 20
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range lists {
		list := randomList(random, words)
		l, err := Parse(list)
		got := strings.Join(l.Names, ":")
		if want := opensslCiphers(openssl, list); got != want || (err != nil) != (want == "") {
			t.Errorf("%s:\n\tgot %.300s and %v\n\twant %.300s", list, got, err, want)
		}
	}
}

// openSSL3 returns the openssl program if it is of the series that the table follows.
func openSSL3(t *testing.T) string {
	t.Helper()
	path := installed.Program(t, "openssl", "openssl")
	out, err := exec.Command(path, "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "OpenSSL 3.0.") {
		t.Skipf("not OpenSSL 3.0: %s", out)
	}
	return path
}

// opensslCiphers returns the ciphers of a list without those of TLS 1.3; it is empty after an error.
func opensslCiphers(openssl, list string) string {
	if strings.HasPrefix(list, "-") {
		list = ":" + list // not an option of the program
	}
	out, err := exec.Command(openssl, "ciphers", list).Output()
	if err != nil {
		return ""
	}
	all := strings.Split(strings.TrimSpace(string(out)), ":")
	return strings.Join(slices.DeleteFunc(all, func(n string) bool { return strings.HasPrefix(n, "TLS_") }), ":")
}

func randomList(random *rand.Rand, words []string) string {
	elements := make([]string, 1+random.IntN(6))
	for i := range elements {
		names := make([]string, 1+random.IntN(2))
		for j := range names {
			names[j] = words[random.IntN(len(words))]
		}
		elements[i] = []string{"", "", "", "!", "-", "+"}[random.IntN(6)] + strings.Join(names, "+")
	}
	if random.IntN(4) == 0 {
		elements = append(elements, "@STRENGTH")
	}
	if random.IntN(3) > 0 {
		elements = slices.Insert(elements, random.IntN(2), []string{"ALL", "HIGH", "AES", "kRSA"}[random.IntN(4)])
	}
	return strings.Join(elements, ":")
}

func FuzzParse(f *testing.F) {
	for _, list := range []string{"HIGH:!aNULL:!MD5", "DEFAULT@SECLEVEL=0", "ECDHE+AESGCM:-AES128:+kRSA,@STRENGTH", "(", "!", "@", "A+"} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		l, err := Parse(list)
		if (err == nil) != (len(l.Names) > 0) {
			t.Errorf("%q: %v and %v", list, l.Names, err)
		}
		if len(l.Suites)+len(l.Missing) > len(l.Names) {
			t.Errorf("%q: %d suites and %d missing of %d", list, len(l.Suites), len(l.Missing), len(l.Names))
		}
	})
}
