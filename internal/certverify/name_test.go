package certverify

import (
	"crypto/x509"
	"encoding/asn1"
	"testing"
)

// named returns the DER of a name with one common name.
func named(t testing.TB, tag int, value string) []byte {
	t.Helper()
	type pair struct {
		Kind  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	type set []pair
	inner, err := asn1.MarshalWithParams(set{{oidCommonName, asn1.RawValue{Tag: tag, Bytes: []byte(value)}}}, "set")
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal([]asn1.RawValue{{FullBytes: inner}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestCanonicalName(t *testing.T) {
	base := canonicalName(named(t, asn1.TagUTF8String, "some name"))
	for _, same := range [][]byte{
		named(t, asn1.TagPrintableString, "Some  Name"), named(t, asn1.TagIA5String, " SOME NAME "), named(t, asn1.TagUTF8String, "some\tname"),
		named(t, asn1.TagBMPString, "\x00s\x00o\x00m\x00e\x00 \x00n\x00a\x00m\x00e"),
	} {
		if canonicalName(same) != base {
			t.Errorf("%q is another name", same)
		}
	}
	for _, other := range [][]byte{
		named(t, asn1.TagUTF8String, "somename"), named(t, asn1.TagUTF8String, "some name\x00"), named(t, asn1.TagOctetString, "some name"), {0x30, 0}, nil,
	} {
		if canonicalName(other) == base {
			t.Errorf("%q is the same name", other)
		}
	}
}

// TestIssuerWithOtherSpelling checks that names are compared by their canonical form.
func TestIssuerWithOtherSpelling(t *testing.T) {
	ca := root(t, "The  CA")
	renamed := &entity{parseCertificate(t, ca.cert.Raw), ca.key}
	renamed.cert.RawSubject = named(t, asn1.TagPrintableString, "the ca")
	leaf := renamed.leaf(t, "a")
	if got := NewStore(certificates(of(ca)), nil).Verify([]*x509.Certificate{leaf.cert}, Options{Depth: 1, Time: now}); got != OK {
		t.Errorf("got %v", got)
	}
}

func FuzzCanonicalName(f *testing.F) {
	f.Add(named(f, asn1.TagUTF8String, "a b"), named(f, asn1.TagBMPString, "\x00a"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if string(a) == string(b) && canonicalName(a) != canonicalName(b) {
			t.Errorf("%x differs from itself", a)
		}
		parseAuthorityKey(a)
		parseScope(a)
		hasOnlyEvaluated(a)
		attributeValues(a, oidCommonName)
	})
}
