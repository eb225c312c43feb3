package certtext

import (
	"encoding/asn1"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An attribute is one type and value of a distinguished name. Attributes with the same set are the
// values of one relative name.
type attribute struct {
	set   int
	kind  string // the dotted object identifier
	value asn1.RawValue
}

// RFC2253 returns a distinguished name, given as DER, as OpenSSL prints it with XN_FLAG_RFC2253: the
// most specific attribute first, separated by commas. ok is false if OpenSSL cannot print it.
// Follows do_name_ex.
func RFC2253(name []byte) (text string, ok bool) {
	attributes, ok := parse(name)
	if !ok {
		return "", false
	}
	var b strings.Builder
	for i, a := range slices.Backward(attributes) {
		if i < len(attributes)-1 {
			b.WriteByte(separator(attributes[i+1], a, ','))
		}
		short, known := shortNames[a.kind]
		if !known {
			short = a.kind
		}
		b.WriteString(short)
		b.WriteByte('=')
		if !printValue(&b, a.value, known) {
			return "", false
		}
	}
	return b.String(), true
}

// OneLine returns a distinguished name, given as DER, as OpenSSL's X509_NAME_oneline does: a slash
// before each attribute, and bytes that are not printable ASCII in hexadecimal.
func OneLine(name []byte) (text string, ok bool) {
	attributes, ok := parse(name)
	if !ok {
		return "", false
	}
	var b strings.Builder
	for i, a := range attributes {
		first := byte('/')
		if i > 0 {
			first = separator(attributes[i-1], a, '/')
		}
		b.WriteByte(first)
		short, known := shortNames[a.kind]
		if !known {
			short = a.kind
		}
		b.WriteString(short)
		b.WriteByte('=')
		oneLineValue(&b, a.value)
	}
	return b.String(), true
}

// CommonName returns the first common name of a distinguished name, given as DER, in UTF-8. It is empty
// if there is none, or if it is not a text.
func CommonName(name []byte) string {
	attributes, _ := parse(name)
	for _, a := range attributes {
		if shortNames[a.kind] == "CN" {
			return utf8Text(a.value)
		}
	}
	return ""
}

// utf8Text returns the value of a string type. It follows ASN1_STRING_to_UTF8.
func utf8Text(v asn1.RawValue) string {
	size := width(v.Tag)
	switch {
	case size == 0 || len(v.Bytes)%size != 0:
		return ""
	case v.Tag == asn1.TagUTF8String:
		return string(v.Bytes)
	}
	var b strings.Builder
	for i := 0; i < len(v.Bytes); i += size {
		c := number(v.Bytes[i : i+size])
		if c > utf8.MaxRune || !utf8.ValidRune(rune(c)) {
			return ""
		}
		b.WriteRune(rune(c))
	}
	return b.String()
}

// separator returns the character between two attributes: a plus sign between values of one relative name.
func separator(before, after attribute, between byte) byte {
	if before.set == after.set {
		return '+'
	}
	return between
}

// parse reads a Name: a sequence of sets of pairs.
func parse(name []byte) (all []attribute, ok bool) {
	sets, ok := elements(name, asn1.TagSequence)
	if !ok {
		return nil, false
	}
	for i, set := range sets {
		pairs, ok := elements(set.FullBytes, asn1.TagSet)
		if !ok {
			return nil, false
		}
		for _, pair := range pairs {
			a, ok := parsePair(pair.FullBytes)
			if !ok {
				return nil, false
			}
			a.set = i
			all = append(all, a)
		}
	}
	return all, true
}

func parsePair(der []byte) (attribute, bool) {
	fields, ok := elements(der, asn1.TagSequence)
	if !ok || len(fields) != 2 {
		return attribute{}, false
	}
	kind, ok := dotted(fields[0])
	return attribute{kind: kind, value: fields[1]}, ok
}

// elements returns the elements of a constructed value with a universal tag, which is all of der.
func elements(der []byte, tag int) (all []asn1.RawValue, ok bool) {
	var outer asn1.RawValue
	rest, err := asn1.Unmarshal(der, &outer)
	if err != nil || len(rest) > 0 || outer.Class != asn1.ClassUniversal || outer.Tag != tag || !outer.IsCompound {
		return nil, false
	}
	for rest = outer.Bytes; len(rest) > 0; {
		var v asn1.RawValue
		if rest, err = asn1.Unmarshal(rest, &v); err != nil {
			return nil, false
		}
		all = append(all, v)
	}
	return all, true
}

// dotted returns the text of an object identifier, whose numbers may have any size that fits 64 bits.
func dotted(v asn1.RawValue) (string, bool) {
	if v.Class != asn1.ClassUniversal || v.Tag != asn1.TagOID || v.IsCompound || len(v.Bytes) == 0 || v.Bytes[len(v.Bytes)-1]&0x80 != 0 {
		return "", false
	}
	var b strings.Builder
	var n uint64
	for _, c := range v.Bytes {
		if n>>57 != 0 {
			return "", false
		}
		n = n<<7 | uint64(c&0x7f)
		if c&0x80 != 0 {
			continue
		}
		if b.Len() == 0 {
			first := min(n/40, 2)
			fmt.Fprintf(&b, "%d.%d", first, n-40*first)
		} else {
			b.WriteString("." + strconv.FormatUint(n, 10))
		}
		n = 0
	}
	return b.String(), true
}

// width returns the bytes per character of a string type; 0 means that OpenSSL prints the value as
// hexadecimal DER.
func width(tag int) int {
	switch tag {
	case asn1.TagUTF8String, asn1.TagNumericString, asn1.TagPrintableString, asn1.TagT61String, asn1.TagIA5String,
		asn1.TagUTCTime, asn1.TagGeneralizedTime, tagVisibleString:
		return 1
	case asn1.TagBMPString:
		return 2
	case tagUniversalString:
		return 4
	}
	return 0
}

const (
	tagVisibleString   = 26
	tagUniversalString = 28
)

// printValue writes a value by the rules of ASN1_STRFLGS_RFC2253, and reports whether OpenSSL can.
// Follows do_print_ex and do_buf.
func printValue(b *strings.Builder, v asn1.RawValue, known bool) bool {
	size := width(v.Tag)
	if !known || size == 0 {
		fmt.Fprintf(b, "#%X", v.FullBytes)
		return true
	}
	if len(v.Bytes)%size != 0 {
		return false
	}
	for i := 0; i < len(v.Bytes); i += size {
		at := inside
		if i == 0 {
			at = first
		}
		if i+size == len(v.Bytes) {
			at = last // also for the only character
		}
		if size == 1 && v.Tag == asn1.TagUTF8String {
			printByte(b, v.Bytes[i], at)
			continue
		}
		if !printRune(b, number(v.Bytes[i:i+size]), at) {
			return false
		}
	}
	return true
}

func number(b []byte) (n uint32) {
	for _, c := range b {
		n = n<<8 | uint32(c)
	}
	return n
}

// A position is the place of a character in its value.
type position int

const (
	inside position = iota
	first
	last
)

// printRune writes a character as UTF-8, escaped byte by byte, and reports whether c is one.
func printRune(b *strings.Builder, c uint32, at position) bool {
	if c > utf8.MaxRune || !utf8.ValidRune(rune(c)) {
		return false
	}
	var buf [utf8.UTFMax]byte
	for _, c := range buf[:utf8.EncodeRune(buf[:], rune(c))] {
		printByte(b, c, at)
	}
	return true
}

func printByte(b *strings.Builder, c byte, at position) {
	switch {
	case c < ' ' || c >= 0x7f:
		fmt.Fprintf(b, "\\%02X", c)
	case strings.IndexByte(`,+"\<>;`, c) >= 0, c == ' ' && at != inside, c == '#' && at == first:
		b.WriteByte('\\')
		b.WriteByte(c)
	default:
		b.WriteByte(c)
	}
}

// oneLineValue writes a value as it is, byte by byte. Of a GeneralString that seems to have four
// bytes per character the last of each four is used.
func oneLineValue(b *strings.Builder, v asn1.RawValue) {
	wide := v.Tag == asn1.TagGeneralString && len(v.Bytes)%4 == 0 && onlyLastOfFour(v.Bytes)
	for i, c := range v.Bytes {
		switch {
		case wide && i%4 != 3:
		case c < ' ' || c > '~':
			fmt.Fprintf(b, "\\x%02X", c)
		case c == '/' || c == '+':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
}

func onlyLastOfFour(text []byte) bool {
	for i, c := range text {
		if c != 0 && i%4 != 3 {
			return false
		}
	}
	return true
}
