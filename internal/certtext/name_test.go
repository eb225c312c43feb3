package certtext

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"weir/conformance/installed"
)

// A pair is an attribute of a test name: its type, the tag of its value, and its bytes.
type pair struct {
	kind  string
	tag   int
	value string
}

// encode returns the DER of a name with the given relative names.
func encode(t testing.TB, name ...[]pair) []byte {
	t.Helper()
	sequence := []asn1.RawValue{}
	for _, set := range name {
		var members []asn1.RawValue
		for _, p := range set {
			members = append(members, sequenceOf(t, asn1.TagSequence, oid(t, p.kind), asn1.RawValue{Tag: p.tag, Bytes: []byte(p.value)}))
		}
		sequence = append(sequence, sequenceOf(t, asn1.TagSet, members...))
	}
	return marshal(t, sequenceOf(t, asn1.TagSequence, sequence...))
}

func sequenceOf(t testing.TB, tag int, members ...asn1.RawValue) asn1.RawValue {
	t.Helper()
	var b []byte
	for _, m := range members {
		b = append(b, marshal(t, m)...)
	}
	return asn1.RawValue{Tag: tag, IsCompound: true, Bytes: b}
}

func oid(t testing.TB, text string) asn1.RawValue {
	t.Helper()
	o, err := x509.ParseOID(text)
	if err != nil {
		t.Fatal(err)
	}
	der, err := o.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return asn1.RawValue{Tag: asn1.TagOID, Bytes: der}
}

func marshal(t testing.TB, v asn1.RawValue) []byte {
	t.Helper()
	b, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	cn  = "2.5.4.3"
	org = "2.5.4.10"
)

func one(kind string, tag int, value string) []pair { return []pair{{kind, tag, value}} }

func utf8Name(value string) []pair { return one(cn, asn1.TagUTF8String, value) }

func TestName(t *testing.T) {
	for _, c := range []struct {
		name             string
		der              []byte
		rfc2253, oneLine string
	}{
		{"empty", encode(t), "", ""},
		{"order", encode(t, one("2.5.4.6", asn1.TagPrintableString, "DE"), utf8Name("client")), "CN=client,C=DE", "/C=DE/CN=client"},
		{"several values", encode(t, one(org, asn1.TagUTF8String, "o"), []pair{{cn, asn1.TagUTF8String, "a"}, {"2.5.4.5", asn1.TagPrintableString, "1"}}),
			"serialNumber=1+CN=a,O=o", "/O=o/CN=a+serialNumber=1"},
		{"special characters", encode(t, utf8Name(`a,b+c"d\e<f>g;h=i/j#k`)), `CN=a\,b\+c\"d\\e\<f\>g\;h=i/j#k`, `/CN=a,b\+c"d\e<f>g;h=i\/j#k`},
		{"spaces", encode(t, utf8Name(" a b ")), `CN=\ a b\ `, "/CN= a b "},
		{"hash", encode(t, utf8Name("#a#")), `CN=\#a#`, "/CN=#a#"},
		{"only a hash", encode(t, utf8Name("#")), `CN=#`, "/CN=#"},
		{"only a space", encode(t, utf8Name(" ")), `CN=\ `, "/CN= "},
		{"control characters", encode(t, utf8Name("a\x00\n\x7f")), `CN=a\00\0A\7F`, `/CN=a\x00\x0A\x7F`},
		{"UTF-8", encode(t, utf8Name("é€")), `CN=\C3\A9\E2\82\AC`, `/CN=\xC3\xA9\xE2\x82\xAC`},
		{"T61", encode(t, one(cn, asn1.TagT61String, "\xe9")), `CN=\C3\A9`, `/CN=\xE9`},
		{"BMP", encode(t, one(cn, asn1.TagBMPString, "\x00a\x20\xac\x00 ")), `CN=a\E2\82\AC\ `, `/CN=\x00a \xAC\x00 `},
		{"unknown type", encode(t, one("1.2.3.4", asn1.TagUTF8String, "a")), `1.2.3.4=#0C0161`, "/1.2.3.4=a"},
		{"no string", encode(t, one(cn, asn1.TagBitString, "\x00a")), `CN=#03020061`, `/CN=\x00a`},
		{"email and components", encode(t, one("0.9.2342.19200300.100.1.25", asn1.TagIA5String, "org"), one("0.9.2342.19200300.100.1.1", asn1.TagUTF8String, "u"),
			one("1.2.840.113549.1.9.1", asn1.TagIA5String, "a@b")), "emailAddress=a@b,UID=u,DC=org", "/DC=org/UID=u/emailAddress=a@b"},
	} {
		if got, ok := RFC2253(c.der); !ok || got != c.rfc2253 {
			t.Errorf("%s: RFC2253: got %s, want %s", c.name, got, c.rfc2253)
		}
		if got, ok := OneLine(c.der); !ok || got != c.oneLine {
			t.Errorf("%s: OneLine: got %s, want %s", c.name, got, c.oneLine)
		}
	}
}

func TestNameThatCannotBePrinted(t *testing.T) {
	if got, ok := RFC2253(encode(t, one(cn, asn1.TagBMPString, "abc"))); ok {
		t.Errorf("a BMPString of three bytes: got %q", got)
	}
	if got, ok := RFC2253(encode(t, one(cn, asn1.TagBMPString, "\xd8\x00"))); ok {
		t.Errorf("half of a surrogate pair: got %q", got)
	}
	for _, der := range [][]byte{nil, {0x30}, {0x31, 0}, {0x30, 2, 0x31, 1}, append(encode(t), 0)} {
		if got, ok := RFC2253(der); ok {
			t.Errorf("RFC2253 of %x: got %q", der, got)
		}
		if got, ok := OneLine(der); ok {
			t.Errorf("OneLine of %x: got %q", der, got)
		}
	}
}

// TestNamesAgainstOpenSSL compares generated names with the openssl program.
func TestNamesAgainstOpenSSL(t *testing.T) {
	openssl := installed.Program(t, "openssl", "openssl")
	names := 20
	if testing.Short() {
		names = 8
	}
	random := rand.New(rand.NewPCG(3, 4))
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for range names {
		der := randomName(t, random)
		cert := certificateOf(t, key, der)
		for option, print := range map[string]func([]byte) (string, bool){"RFC2253": RFC2253, "compat": OneLine} {
			got, ok := print(der)
			want, accepted := opensslSubject(openssl, option, cert)
			if !accepted {
				continue
			}
			compared++
			if got != want {
				t.Errorf("%s of %x: got %s and %v, want %s", option, der, got, ok, want)
			}
		}
	}
	if compared < names {
		t.Errorf("OpenSSL accepted %d of %d names", compared/2, names)
	}
}

func randomName(t *testing.T, random *rand.Rand) []byte {
	t.Helper()
	kinds := []string{cn, org, "2.5.4.6", "2.5.4.9", "2.5.4.42", "2.5.4.97", "1.2.840.113549.1.9.1", "0.9.2342.19200300.100.1.1", "1.2.3.4.56789", "2.999.1"}
	tags := []int{asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagT61String, asn1.TagIA5String, asn1.TagBMPString, tagUniversalString, asn1.TagNumericString}
	var name [][]pair
	for range 1 + random.IntN(4) {
		var set []pair
		for range 1 + random.IntN(2)*random.IntN(2) {
			tag := tags[random.IntN(len(tags))]
			set = append(set, pair{kinds[random.IntN(len(kinds))], tag, randomValue(random, width(tag))})
		}
		name = append(name, set)
	}
	return encode(t, name...)
}

func randomValue(random *rand.Rand, size int) string {
	alphabet := " #,+\"\\<>;=/abcXYZ019\x00\n\x1f\x7f\x80\xe9\xff"
	if size == 1 && random.IntN(2) == 0 {
		alphabet = " #,+\"\\<>;=/abcXYZ019\x00\n\x1f\x7f" // valid UTF-8 too
	}
	var b strings.Builder
	for range 1 + random.IntN(6) {
		for i := range size {
			switch {
			case i < size-2 && random.IntN(30) > 0:
				b.WriteByte(0)
			case i < size-1:
				b.WriteByte([]byte{0, 0, 0, 0x20, 0x01}[random.IntN(5)])
			default:
				b.WriteByte(alphabet[random.IntN(len(alphabet))])
			}
		}
	}
	return b.String()
}

// certificateOf returns a certificate with a subject, as PEM.
func certificateOf(t *testing.T, key *ecdsa.PrivateKey, subject []byte) []byte {
	t.Helper()
	issuer := encode(t, utf8Name("issuer"))
	der, err := x509.CreateCertificate(crand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), RawSubject: subject, NotAfter: time.Unix(1<<31, 0)},
		&x509.Certificate{RawSubject: issuer}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// opensslSubject returns the subject of a certificate; accepted is false if OpenSSL refuses the
// certificate, because a string has characters that its type does not allow.
func opensslSubject(openssl, option string, cert []byte) (subject string, accepted bool) {
	cmd := exec.Command(openssl, "x509", "-noout", "-subject", "-nameopt", option)
	cmd.Stdin = bytes.NewReader(cert)
	out, err := cmd.Output()
	return strings.TrimPrefix(strings.TrimSuffix(string(out), "\n"), "subject="), err == nil
}

func FuzzName(f *testing.F) {
	f.Add(encode(f, utf8Name("client"), one(org, asn1.TagBMPString, "\x00a")))
	f.Add(encode(f, one("1.2.3", asn1.TagGeneralString, "\x00\x00\x00a")))
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, der []byte) {
		text, ok := RFC2253(der)
		if !ok && text != "" {
			t.Errorf("%x: %q without success", der, text)
		}
		for _, c := range []byte(text) {
			if c < ' ' || c > '~' {
				t.Errorf("%x: %q has byte %#x", der, text, c)
			}
		}
		if line, _ := OneLine(der); strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%x: %q is not printable", der, line)
		}
	})
}

func TestCommonName(t *testing.T) {
	const commonName = "2.5.4.3"
	for _, tt := range []struct {
		name string
		sets [][]pair
		want string
	}{
		{"the first of two", [][]pair{{{"2.5.4.10", asn1.TagUTF8String, "o"}}, {{commonName, asn1.TagUTF8String, "Müller"}}, {{commonName, asn1.TagUTF8String, "b"}}}, "Müller"},
		{"none", [][]pair{{{"2.5.4.10", asn1.TagUTF8String, "o"}}}, ""},
		{"T61", [][]pair{{{commonName, asn1.TagT61String, "M\xfc"}}}, "Mü"},
		{"two bytes each", [][]pair{{{commonName, asn1.TagBMPString, "\x00M\x00\xfc"}}}, "Mü"},
		{"half a character", [][]pair{{{commonName, asn1.TagBMPString, "\x00M\x00"}}}, ""},
		{"half a surrogate pair", [][]pair{{{commonName, asn1.TagBMPString, "\xd8\x00"}}}, ""},
		{"four bytes each", [][]pair{{{commonName, tagUniversalString, "\x00\x01\xf6\x00"}}}, "\U0001f600"},
		{"no text", [][]pair{{{commonName, asn1.TagOctetString, "a"}}}, ""},
	} {
		if got := CommonName(encode(t, tt.sets...)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := CommonName([]byte("x")); got != "" {
		t.Errorf("got %q for no name", got)
	}
}
