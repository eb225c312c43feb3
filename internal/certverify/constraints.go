package certverify

import (
	"encoding/asn1"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// checkNameConstraints checks the names of each certificate against the constraints of those above it.
// Constraints on distinguished names are not evaluated, and rejected. Follows check_name_constraints.
func (v *verification) checkNameConstraints() {
	for i, c := range slices.Backward(v.chain) {
		if i > 0 && c.selfIssued {
			continue
		}
		for j := len(v.chain) - 1; j > i; j-- {
			if above := v.chain[j]; above.has(oidNameConstraints) {
				v.checkConstraints(above, c, i == 0)
			}
		}
	}
}

func (v *verification) checkConstraints(above, c *certificate, isLeaf bool) {
	if !hasOnlyEvaluated(valueOf(above.Extensions, oidNameConstraints)) {
		v.report(UnsupportedConstraint)
		return
	}
	if code := firstViolation(above, c, isLeaf); code != OK {
		v.report(code)
	}
}

// Tags of the kinds of names that have constraints.
const (
	nameEmail = 1
	nameDNS   = 2
	nameURI   = 6
	nameIP    = 7
)

func hasOnlyEvaluated(der []byte) bool {
	type subtree struct{ Base asn1.RawValue }
	var e struct {
		Permitted []asn1.RawValue `asn1:"optional,tag:0"`
		Excluded  []asn1.RawValue `asn1:"optional,tag:1"`
	}
	if _, err := asn1.Unmarshal(der, &e); err != nil {
		return false
	}
	for _, raw := range slices.Concat(e.Permitted, e.Excluded) {
		var t subtree
		_, err := asn1.Unmarshal(raw.FullBytes, &t)
		if err != nil || !slices.Contains([]int{nameEmail, nameDNS, nameURI, nameIP}, t.Base.Tag) {
			return false
		}
	}
	return true
}

// firstViolation checks all names of a certificate.
func firstViolation(above, c *certificate, isLeaf bool) Code {
	if emails := attributeValues(c.RawSubject, oidEmailAttribute); len(emails) > 0 {
		if code := checkEach(emails, above.PermittedEmailAddresses, above.ExcludedEmailAddresses, emailMatches); code != OK {
			return code
		}
	}
	for _, code := range []Code{
		checkEach(dnsNames(c.Certificate), above.PermittedDNSDomains, above.ExcludedDNSDomains, dnsMatches),
		checkEach(c.EmailAddresses, above.PermittedEmailAddresses, above.ExcludedEmailAddresses, emailMatches),
		checkEach(c.uriHosts(), above.PermittedURIDomains, above.ExcludedURIDomains, uriMatches),
		checkEach(c.IPAddresses, above.PermittedIPRanges, above.ExcludedIPRanges, ipMatches),
	} {
		if code != OK {
			return code
		}
	}
	if isLeaf && len(dnsNames(c.Certificate)) == 0 {
		hosts := slices.DeleteFunc(commonNames(c.Certificate), func(n string) bool { return !isHostName(n) })
		return checkEach(hosts, above.PermittedDNSDomains, above.ExcludedDNSDomains, dnsMatches)
	}
	return OK
}

// checkEach checks names of one kind. Follows nc_match.
func checkEach[N, C any](names []N, permitted, excluded []C, match func(N, C) bool) Code {
	for _, name := range names {
		matches := func(c C) bool { return match(name, c) }
		if len(permitted) > 0 && !slices.ContainsFunc(permitted, matches) {
			return NotPermitted
		}
		if slices.ContainsFunc(excluded, matches) {
			return Excluded
		}
	}
	return OK
}

func dnsMatches(name, base string) bool {
	if base == "" {
		return true
	}
	if len(name) > len(base) && base[0] != '.' && name[len(name)-len(base)-1] != '.' {
		return false
	}
	return hasSuffixFold(name, base)
}

func hasSuffixFold(name, suffix string) bool {
	return len(name) >= len(suffix) && equalFold(suffix, name[len(name)-len(suffix):])
}

func emailMatches(name, base string) bool {
	at := strings.LastIndexByte(name, '@')
	if at < 0 {
		return false
	}
	local, host := name[:at], name[at+1:]
	switch i := strings.LastIndexByte(base, '@'); {
	case i > 0:
		return local == base[:i] && equalFold(base[i+1:], host)
	case i == 0:
		return equalFold(base[1:], host)
	case strings.HasPrefix(base, "."):
		return len(host) > len(base) && hasSuffixFold(host, base)
	case base == "":
		return true
	}
	return equalFold(base, host)
}

func uriMatches(host, base string) bool {
	if strings.HasPrefix(base, ".") {
		return len(host) > len(base) && hasSuffixFold(host, base)
	}
	return equalFold(base, host)
}

func (c *certificate) uriHosts() (hosts []string) {
	for _, u := range c.URIs {
		hosts = append(hosts, u.Hostname())
	}
	return hosts
}

func ipMatches(ip net.IP, network *net.IPNet) bool {
	address, ok := netip.AddrFromSlice(ip)
	base, okBase := netip.AddrFromSlice(network.IP)
	return ok && okBase && address.Is4() == base.Is4() && network.Contains(ip)
}

// isHostName reports whether a common name looks like a host name with a dot. Follows cn2dnsid.
func isHostName(name string) bool {
	labels := strings.Split(strings.TrimSuffix(name, "\x00"), ".")
	for _, label := range labels {
		if !isLabel(strings.ReplaceAll(label, "_", "x")) {
			return false
		}
	}
	return len(labels) > 1
}
