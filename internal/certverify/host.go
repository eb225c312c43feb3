package certverify

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"strings"
)

// MatchesHost reports whether a certificate is for a host name. As in nginx, an IP address is compared
// like a name. The common names count only if the certificate has no DNS name. Follows X509_check_host.
func MatchesHost(c *x509.Certificate, name string) bool {
	if name == "" || strings.IndexByte(name, 0) >= 0 {
		return false
	}
	names := dnsNames(c)
	if len(names) == 0 {
		names = commonNames(c)
	}
	for _, pattern := range names {
		if matches(pattern, name) {
			return true
		}
	}
	return false
}

// dnsNames returns the DNS names of the extension as they are; crypto/x509 leaves out invalid ones.
func dnsNames(c *x509.Certificate) (names []string) {
	var all []asn1.RawValue
	if _, err := asn1.Unmarshal(valueOf(c.Extensions, oidAltName), &all); err != nil {
		return nil
	}
	const dnsName = 2
	for _, n := range all {
		if n.Class == asn1.ClassContextSpecific && n.Tag == dnsName {
			names = append(names, string(n.Bytes))
		}
	}
	return names
}

func commonNames(c *x509.Certificate) []string { return attributeValues(c.RawSubject, oidCommonName) }

// attributeValues returns the values of one type in a distinguished name that are strings.
func attributeValues(name []byte, kind asn1.ObjectIdentifier) (all []string) {
	var sets []asn1.RawValue
	if _, err := asn1.Unmarshal(name, &sets); err != nil {
		return nil
	}
	for _, set := range sets {
		for rest := set.Bytes; len(rest) > 0; {
			var pair struct {
				Kind  asn1.ObjectIdentifier
				Value asn1.RawValue
			}
			var err error
			if rest, err = asn1.Unmarshal(rest, &pair); err != nil {
				return all
			}
			if text, ok := stringValue(pair.Value); ok && pair.Kind.Equal(kind) {
				all = append(all, text)
			}
		}
	}
	return all
}

// matches compares a name of a certificate with a host name. Follows equal_wildcard.
func matches(pattern, name string) bool {
	if pattern == "" {
		return false
	}
	isDomain := len(name) > 1 && name[0] == '.'
	if isDomain && len(pattern) > len(name) { // any name below a domain
		pattern = pattern[len(pattern)-len(name):]
	}
	star := -1
	if !isDomain {
		star = wildcard(pattern)
	}
	if star < 0 {
		return equalFold(pattern, name)
	}
	return matchesWildcard(pattern[:star], pattern[star+1:], name)
}

// equalFold compares two names without the case of ASCII letters. A pattern with a zero equals nothing.
func equalFold(pattern, name string) bool {
	return strings.IndexByte(pattern, 0) < 0 && bytes.Equal(lower(pattern), lower(name))
}

func lower(s string) []byte {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c - 'A' + 'a'
		}
	}
	return b
}

const idnaPrefix = "xn--"

// wildcard returns the place of the asterisk in a valid pattern: at the start or the end of the first
// label, which is not in punycode and has at least two labels after it; or -1. Follows valid_star.
func wildcard(pattern string) int {
	labels := strings.Split(pattern, ".")
	star := strings.IndexByte(labels[0], '*')
	first, last := star == 0, star == len(labels[0])-1
	if star < 0 || len(labels) < 3 || strings.Count(pattern, "*") > 1 || !first && !last {
		return -1
	}
	if isIDNA(labels[0]) {
		return -1
	}
	if first {
		labels[0] = "x" + labels[0][1:]
	} else {
		labels[0] = labels[0][:star]
	}
	for _, label := range labels {
		if !isLabel(label) {
			return -1
		}
	}
	return star
}

func isIDNA(label string) bool {
	return len(label) >= len(idnaPrefix) && equalFold(label[:len(idnaPrefix)], idnaPrefix)
}

// isLabel reports whether a label has only letters, digits and hyphens, and no hyphen at its ends.
func isLabel(label string) bool {
	if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		if !isLabelByte(label[i]) {
			return false
		}
	}
	return true
}

func isLabelByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-'
}

// matchesWildcard compares a name with the parts of a pattern before and after its asterisk. Follows
// wildcard_match.
func matchesWildcard(prefix, suffix, name string) bool {
	if len(name) < len(prefix)+len(suffix) {
		return false
	}
	part := name[len(prefix) : len(name)-len(suffix)]
	if !equalFold(prefix, name[:len(prefix)]) || !equalFold(suffix, name[len(name)-len(suffix):]) {
		return false
	}
	isWholeLabel := prefix == "" && suffix[0] == '.'
	if isWholeLabel && part == "" || !isWholeLabel && isIDNA(name) {
		return false
	}
	if part == "*" {
		return true
	}
	for i := range len(part) {
		if !isLabelByte(part[i]) {
			return false
		}
	}
	return true
}
