package certverify

import (
	"crypto/x509"
	"encoding/asn1"
	"slices"
)

// checkExtensions follows check_extensions. Proxy certificates are rejected without a check of their
// names, which OpenSSL would report after that.
func (v *verification) checkExtensions() {
	length := 0 // the intermediate certificates so far that are not self-issued
	for i, c := range v.chain {
		v.checkCritical(c)
		if c.has(oidProxy) {
			v.report(ProxyNotAllowed)
		}
		if i > 0 {
			v.checkAuthority(c, i == len(v.chain)-1)
		}
		if !c.serves(v.options.Usage, i > 0) {
			v.report(WrongPurpose)
		}
		if limit, limited := c.pathLimit(); i > 1 && limited && length > limit {
			v.report(PathTooLong)
		}
		if i > 0 && !c.selfIssued {
			length++
		}
	}
}

func (v *verification) checkAuthority(c *certificate, isLast bool) {
	if kind := c.authorityKind(); kind == notAuthority || !isLast && kind != byConstraints {
		v.report(InvalidCA)
	}
}

// checkCritical reports critical extensions that OpenSSL or this package does not evaluate.
func (v *verification) checkCritical(c *certificate) {
	evaluated := []asn1.ObjectIdentifier{oidAltName, oidNetscapeType, oidProxy, oidNameConstraints}
	for _, id := range c.UnhandledCriticalExtensions {
		if !slices.ContainsFunc(evaluated, id.Equal) {
			v.report(UnhandledCritical)
		}
	}
}

// An authorityKind is the reason for which a certificate counts as that of an authority.
type authorityKind int

const (
	notAuthority authorityKind = iota
	byConstraints
	byVersion
	byKeyUsage
	byNetscape
)

// authorityKind follows check_ca.
func (c *certificate) authorityKind() authorityKind {
	switch {
	case c.rejectsKeyUsage(x509.KeyUsageCertSign):
		return notAuthority
	case c.BasicConstraintsValid && c.IsCA:
		return byConstraints
	case c.BasicConstraintsValid:
		return notAuthority
	case c.Version == 1 && c.selfSigned:
		return byVersion
	case c.has(oidKeyUsage):
		return byKeyUsage
	case c.netscapeAllows(netscapeAnyCA):
		return byNetscape
	}
	return notAuthority
}

// Bits of the extension of Netscape.
const (
	netscapeClient = 0x80
	netscapeServer = 0x40
	netscapeSSLCA  = 0x04
	netscapeAnyCA  = 0x07
)

func (c *certificate) netscapeAllows(bits byte) bool {
	return c.netscape != nil && c.netscape[0]&bits != 0
}

func (c *certificate) netscapeRejects(bits byte) bool {
	return c.netscape != nil && c.netscape[0]&bits == 0
}

// serves reports whether the usages of a certificate include u. Follows check_purpose_ssl_client,
// check_purpose_ssl_server and check_purpose_ocsp_helper.
func (c *certificate) serves(u Usage, isIssuer bool) bool {
	if u == ForResponders {
		return !isIssuer || c.authorityKind() != notAuthority
	}
	extended, signs, netscape := x509.ExtKeyUsageClientAuth, x509.KeyUsageDigitalSignature|x509.KeyUsageKeyAgreement, byte(netscapeClient)
	if u == ForServers {
		extended, netscape = x509.ExtKeyUsageServerAuth, netscapeServer
		signs |= x509.KeyUsageKeyEncipherment
	}
	if c.has(oidExtKeyUsage) && !slices.Contains(c.ExtKeyUsage, extended) && !(u == ForServers && c.isServerGated()) {
		return false
	}
	if isIssuer {
		kind := c.authorityKind()
		return kind != notAuthority && (kind != byNetscape || c.netscapeAllows(netscapeSSLCA))
	}
	return !c.rejectsKeyUsage(signs) && !c.netscapeRejects(netscape)
}

// isServerGated reports whether a certificate has an old usage that OpenSSL accepts for servers.
func (c *certificate) isServerGated() bool {
	return slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageMicrosoftServerGatedCrypto) ||
		slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageNetscapeServerGatedCrypto)
}

func (c *certificate) pathLimit() (n int, limited bool) {
	if !c.BasicConstraintsValid || c.MaxPathLen < 0 || c.MaxPathLen == 0 && !c.MaxPathLenZero {
		return 0, false
	}
	return c.MaxPathLen, true
}
