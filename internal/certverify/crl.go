package certverify

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"time"
)

// A revocationList is a list with those of its fields that crypto/x509 does not evaluate.
type revocationList struct {
	*x509.RevocationList
	issuer    string // in the form for comparison
	authority authorityKey
	scope     scope
	critical  bool // has a critical extension that OpenSSL does not evaluate
	revoked   map[string]int
}

// A scope is the extension that limits a list to some certificates.
type scope struct {
	usable           bool // neither invalid nor of a kind that OpenSSL evaluates only on demand
	onlyUsers        bool
	onlyAuthorities  bool
	onlyAttributes   bool
	distributionURIs []string
	hasPoint         bool
}

// removeFromCRL is the reason of an entry that is not revoked any more.
const removeFromCRL = 8

func newRevocationList(x *x509.RevocationList) *revocationList {
	l := &revocationList{RevocationList: x, issuer: canonicalName(x.RawIssuer), revoked: map[string]int{}}
	l.authority = parseAuthorityKey(valueOf(x.Extensions, oidAuthorityKey))
	l.scope = parseScope(valueOf(x.Extensions, oidIssuingPoint))
	l.critical = hasCriticalExcept(x.Extensions, oidAuthorityKey, oidIssuingPoint, oidDeltaCRL)
	for _, e := range x.RevokedCertificateEntries {
		l.revoked[string(e.SerialNumber.Bytes())] = e.ReasonCode
		l.critical = l.critical || hasCriticalExcept(e.Extensions, oidCertIssuer)
	}
	return l
}

func hasCriticalExcept(all []pkix.Extension, known ...asn1.ObjectIdentifier) bool {
	return slices.ContainsFunc(all, func(e pkix.Extension) bool { return e.Critical && !slices.ContainsFunc(known, e.Id.Equal) })
}

func parseScope(der []byte) scope {
	if der == nil {
		return scope{usable: true}
	}
	var e struct {
		Point struct {
			Names []asn1.RawValue `asn1:"optional,tag:0"`
		} `asn1:"optional,tag:0"`
		Users       bool           `asn1:"optional,tag:1"`
		Authorities bool           `asn1:"optional,tag:2"`
		Reasons     asn1.BitString `asn1:"optional,tag:3"`
		Indirect    bool           `asn1:"optional,tag:4"`
		Attributes  bool           `asn1:"optional,tag:5"`
	}
	if rest, err := asn1.Unmarshal(der, &e); err != nil || len(rest) > 0 {
		return scope{}
	}
	s := scope{onlyUsers: e.Users, onlyAuthorities: e.Authorities, onlyAttributes: e.Attributes, hasPoint: len(e.Point.Names) > 0}
	const uri = 6
	for _, n := range e.Point.Names {
		if n.Tag == uri {
			s.distributionURIs = append(s.distributionURIs, string(n.Bytes))
		}
	}
	only := 0
	for _, set := range []bool{e.Users, e.Authorities, e.Attributes} {
		if set {
			only++
		}
	}
	s.usable = only <= 1 && !e.Indirect && e.Reasons.BitLength == 0
	return s
}

func (l *revocationList) isCurrent(now time.Time) bool {
	return !l.ThisUpdate.After(now) && (l.NextUpdate.IsZero() || l.NextUpdate.After(now))
}

// covers reports whether a certificate is in the scope of the list. Follows crl_crldp_check.
func (l *revocationList) covers(c *certificate) bool {
	isAuthority := c.BasicConstraintsValid && c.IsCA
	if l.scope.onlyAttributes || isAuthority && l.scope.onlyUsers || !isAuthority && l.scope.onlyAuthorities {
		return false
	}
	return !l.scope.hasPoint ||
		slices.ContainsFunc(c.CRLDistributionPoints, func(uri string) bool { return slices.Contains(l.scope.distributionURIs, uri) })
}

// A match is a list that may be the one of a certificate, with the criteria of get_crl_score.
type match struct {
	list    *revocationList
	issuer  *certificate // of the list
	current bool
	covers  bool
	score   int
}

// Weights of the criteria, as in get_crl_score.
const (
	scoreNoCritical = 0x100
	scoreScope      = 0x080
	scoreTime       = 0x040
	scoreIssuer     = 0x018
	scoreSamePath   = 0x008
)

// checkRevocation checks each certificate of the chain. Follows check_revocation with
// X509_V_FLAG_CRL_CHECK_ALL.
func (v *verification) checkRevocation() {
	if len(v.store.crls) == 0 {
		return
	}
	for i, c := range v.chain {
		if !c.has(oidProxy) {
			v.checkRevoked(i, c)
		}
	}
}

// checkRevoked follows check_cert, check_crl and cert_crl.
func (v *verification) checkRevoked(i int, c *certificate) {
	m := v.bestList(i, c)
	if m.list == nil {
		v.report(NoCRL)
		return
	}
	if m.issuer.rejectsKeyUsage(x509.KeyUsageCRLSign) {
		v.report(NoCRLSign)
	}
	if !m.covers {
		v.report(OutOfCRLScope)
	}
	if !m.current {
		v.reportTime(m.list)
	}
	if !m.issuer.verifies(m.list.SignatureAlgorithm, m.list.RawTBSRevocationList, m.list.Signature) {
		v.report(BadCRLSignature)
	}
	if m.list.critical {
		v.report(UnhandledCriticalCRL)
	}
	if reason, listed := m.list.revoked[string(c.SerialNumber.Bytes())]; listed && reason != removeFromCRL {
		v.report(Revoked)
	}
	if !m.covers {
		v.report(NoCRL)
	}
}

func (v *verification) reportTime(l *revocationList) {
	if l.ThisUpdate.After(v.options.Time) {
		v.report(CRLNotYetValid)
	}
	if !l.NextUpdate.IsZero() && !l.NextUpdate.After(v.options.Time) {
		v.report(CRLExpired)
	}
}

// bestList returns the list with the highest score, and the newest of those. Follows get_crl_sk.
func (v *verification) bestList(i int, c *certificate) (best match) {
	for _, l := range v.store.crls {
		m := v.matchList(l, i, c)
		if m.list == nil || m.score < best.score ||
			m.score == best.score && best.list != nil && !l.ThisUpdate.After(best.list.ThisUpdate) {
			continue
		}
		best = m
	}
	return best
}

// matchList follows get_crl_score and crl_akid_check.
func (v *verification) matchList(l *revocationList, i int, c *certificate) match {
	if !l.scope.usable || l.issuer != c.issuer {
		return match{}
	}
	m := match{list: l, current: l.isCurrent(v.options.Time), covers: l.covers(c)}
	m.score = weight(!l.critical, scoreNoCritical) + weight(m.current, scoreTime) + weight(m.covers, scoreScope)
	next := min(i+1, len(v.chain)-1)
	if v.chain[next].isIdentifiedBy(l.authority) {
		m.issuer = v.chain[next]
		m.score += scoreIssuer
		return m
	}
	for _, above := range v.chain[next+1:] {
		if above.subject == l.issuer && above.isIdentifiedBy(l.authority) {
			m.issuer = above
			m.score += scoreSamePath
			return m
		}
	}
	return match{}
}

func weight(set bool, score int) int {
	if set {
		return score
	}
	return 0
}
