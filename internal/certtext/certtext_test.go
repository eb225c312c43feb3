package certtext

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"
)

func TestSerial(t *testing.T) {
	for want, n := range map[string]int64{"00": 0, "01": 1, "0A": 10, "0100": 256, "-7F": -127, "ABCDEF": 0xabcdef} {
		if got := Serial(big.NewInt(n)); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

func TestTime(t *testing.T) {
	zone := time.FixedZone("", 3600)
	for want, at := range map[string]time.Time{
		"Nov 29 10:00:00 2026 GMT": time.Date(2026, 11, 29, 11, 0, 0, 0, zone),
		"Feb  3 00:55:52 2015 GMT": time.Date(2015, 2, 3, 0, 55, 52, 0, time.UTC),
	} {
		if got := Time(at); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestDaysLeft(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		left time.Duration
		want string
	}{{-time.Hour, "0"}, {-72 * time.Hour, "0"}, {24*time.Hour - time.Second, "0"}, {24 * time.Hour, "1"}, {719 * time.Hour, "29"}} {
		if got := DaysLeft(now.Add(c.left), now); got != c.want {
			t.Errorf("%v: got %s, want %s", c.left, got, c.want)
		}
	}
}

func TestFingerprint(t *testing.T) {
	if got, want := Fingerprint([]byte("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPEM(t *testing.T) {
	der := []byte(strings.Repeat("\xfb\xff\xfb", 20))
	lines := "-----BEGIN CERTIFICATE-----\n" + strings.Repeat("+//7", 16) + "\n" + strings.Repeat("+//7", 4) + "\n-----END CERTIFICATE-----\n"
	if got := PEM(der); got != lines {
		t.Errorf("PEM: got %q, want %q", got, lines)
	}
	if got, want := TabbedPEM(der), strings.ReplaceAll(strings.TrimSpace(lines), "\n", "\n\t"); got != want {
		t.Errorf("TabbedPEM: got %q, want %q", got, want)
	}
	want := strings.NewReplacer(" ", "%20", "\n", "%0A", "+", "%2B", "/", "%2F").Replace(lines)
	if got := EscapedPEM(der); got != want {
		t.Errorf("EscapedPEM: got %q, want %q", got, want)
	}
}

func TestCertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0xab), Subject: pkix.Name{CommonName: "device, one", Organization: []string{"fleet"}},
		NotBefore: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC), NotAfter: time.Date(2049, 11, 29, 10, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, now := Certificate(der), time.Date(2049, 11, 1, 0, 0, 0, 0, time.UTC)
	for name, pair := range map[string][2]string{
		"subject": {c.Subject(), `CN=device\, one,O=fleet`}, "issuer": {c.Issuer(), "CN=authority"},
		"legacy subject": {c.SubjectLegacy(), "/O=fleet/CN=device, one"}, "legacy issuer": {c.IssuerLegacy(), "/CN=authority"},
		"serial": {c.Serial(), "AB"}, "start": {c.Start(), "Jan  2 03:04:05 2020 GMT"}, "end": {c.End(), "Nov 29 10:00:00 2049 GMT"},
		"days": {c.DaysLeft(now), "28"}, "raw": {c.Raw(), PEM(der)}, "tabbed": {c.Tabbed(), TabbedPEM(der)},
		"escaped": {c.Escaped(), EscapedPEM(der)}, "fingerprint": {c.Fingerprint(), Fingerprint(der)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", name, pair[0], pair[1])
		}
	}
	none := Certificate(nil)
	for _, got := range []string{none.Subject(), none.Issuer(), none.Serial(), none.Start(), none.End(), none.DaysLeft(now), none.Raw(), none.Tabbed(), none.Escaped(), none.Fingerprint()} {
		if got != "" {
			t.Errorf("got %q without a certificate", got)
		}
	}
}
