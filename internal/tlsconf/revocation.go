package tlsconf

import (
	"crypto/x509"
	"encoding/asn1"
)

// parseRevocationList parses a list of version 1 or 2. crypto/x509 refuses the first: it gets the list
// with the number of version 2, whose further fields are optional.
func parseRevocationList(der []byte) (*x509.RevocationList, error) {
	later, signed := asVersion2(der)
	if later == nil {
		return x509.ParseRevocationList(der)
	}
	l, err := x509.ParseRevocationList(later)
	if err != nil {
		return nil, err
	}
	l.Raw, l.RawTBSRevocationList = der, signed
	return l, nil
}

// asVersion2 returns a list of version 1 with the other number, and the part of the list that is
// signed; nil for any other list.
func asVersion2(der []byte) (list, signed []byte) {
	var parts struct{ Signed, Algorithm, Signature asn1.RawValue }
	if rest, err := asn1.Unmarshal(der, &parts); err != nil || len(rest) > 0 {
		return nil, nil
	}
	var first asn1.RawValue
	if _, err := asn1.Unmarshal(parts.Signed.Bytes, &first); err != nil || first.Tag == asn1.TagInteger {
		return nil, nil
	}
	signed = parts.Signed.FullBytes
	version2 := []byte{asn1.TagInteger, 1, 1}
	parts.Signed.FullBytes = nil
	parts.Signed.Bytes = append(version2, parts.Signed.Bytes...)
	list, err := asn1.Marshal(parts)
	if err != nil {
		return nil, nil
	}
	return list, signed
}
