package certverify

import (
	"encoding/asn1"
	"strings"
	"unicode/utf16"
)

// canonicalName returns a distinguished name, given as DER, in a form in which equal names are equal:
// strings as UTF-8, in lower case, without spaces at both ends and with single ones inside. Follows
// x509_name_canon. A name that cannot be read is returned as it is.
func canonicalName(der []byte) string {
	var sets []asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &sets); err != nil || len(rest) > 0 {
		return string(der)
	}
	var b strings.Builder
	for _, set := range sets {
		b.WriteString("\x00set")
		for rest := set.Bytes; len(rest) > 0; {
			var pair struct {
				Kind  asn1.ObjectIdentifier
				Value asn1.RawValue
			}
			var err error
			if rest, err = asn1.Unmarshal(rest, &pair); err != nil {
				return string(der)
			}
			b.WriteString("\x00" + pair.Kind.String() + "=" + canonicalValue(pair.Value))
		}
	}
	return b.String()
}

// canonicalValue marks a value that is not one of the string types, so that it equals no string.
func canonicalValue(v asn1.RawValue) string {
	text, ok := stringValue(v)
	if !ok {
		return "\x00" + string(v.FullBytes)
	}
	text = strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, text)
	return strings.Join(strings.FieldsFunc(text, isSpace), " ")
}

// isSpace reports whether r is white space in the C locale.
func isSpace(r rune) bool { return r == ' ' || '\t' <= r && r <= '\r' }

const (
	tagVisibleString   = 26
	tagUniversalString = 28
)

// stringValue returns the text of a value of one of the string types.
func stringValue(v asn1.RawValue) (string, bool) {
	switch v.Tag {
	case asn1.TagUTF8String:
		return string(v.Bytes), true
	case asn1.TagPrintableString, asn1.TagNumericString, asn1.TagIA5String, asn1.TagT61String, tagVisibleString:
		return fromUnits(v.Bytes, 1)
	case asn1.TagBMPString:
		return fromUnits(v.Bytes, 2)
	case tagUniversalString:
		return fromUnits(v.Bytes, 4)
	}
	return "", false
}

// fromUnits decodes characters of size bytes each.
func fromUnits(b []byte, size int) (string, bool) {
	if len(b)%size != 0 {
		return "", false
	}
	var text strings.Builder
	for ; len(b) > 0; b = b[size:] {
		var r rune
		for _, c := range b[:size] {
			r = r<<8 | rune(c)
		}
		if utf16.IsSurrogate(r) {
			return "", false
		}
		text.WriteRune(r)
	}
	return text.String(), true
}
