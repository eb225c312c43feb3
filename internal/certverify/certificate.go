package certverify

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
)

// A certificate is a certificate with those of its fields that crypto/x509 does not evaluate as OpenSSL does.
type certificate struct {
	*x509.Certificate
	subject, issuer string // in the form for comparison
	authority       authorityKey
	selfIssued      bool
	selfSigned      bool // by its names and identifiers; the signature is not verified
	netscape        []byte
}

var (
	oidKeyUsage        = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidAltName         = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidIssuingPoint    = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidCertIssuer      = asn1.ObjectIdentifier{2, 5, 29, 29}
	oidNameConstraints = asn1.ObjectIdentifier{2, 5, 29, 30}
	oidAuthorityKey    = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidExtKeyUsage     = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidDeltaCRL        = asn1.ObjectIdentifier{2, 5, 29, 27}
	oidProxy           = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 14}
	oidNetscapeType    = asn1.ObjectIdentifier{2, 16, 840, 1, 113730, 1, 1}
	oidCommonName      = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidEmailAttribute  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
)

func newCertificate(x *x509.Certificate) *certificate {
	c := &certificate{Certificate: x, subject: canonicalName(x.RawSubject), issuer: canonicalName(x.RawIssuer)}
	c.authority = parseAuthorityKey(valueOf(x.Extensions, oidAuthorityKey))
	if e := valueOf(x.Extensions, oidNetscapeType); e != nil {
		var bits asn1.BitString
		if _, err := asn1.Unmarshal(e, &bits); err == nil {
			c.netscape = append(bits.Bytes, 0)
		}
	}
	c.selfIssued = c.subject == c.issuer
	c.selfSigned = c.selfIssued && c.isIdentifiedBy(c.authority) && c.canSign(c.SignatureAlgorithm)
	return c
}

func valueOf(all []pkix.Extension, id asn1.ObjectIdentifier) []byte {
	for _, e := range all {
		if e.Id.Equal(id) {
			return e.Value
		}
	}
	return nil
}

func (c *certificate) has(id asn1.ObjectIdentifier) bool { return valueOf(c.Extensions, id) != nil }

// issued reports whether c seems to be the issuer of another certificate. Follows ossl_x509_likely_issued.
func (c *certificate) issued(other *certificate) bool {
	return c.subject == other.issuer && c.isIdentifiedBy(other.authority) && c.canSign(other.SignatureAlgorithm)
}

// An authorityKey is the extension that identifies the key of an issuer.
type authorityKey struct {
	keyID  []byte
	issuer string // the issuer of the issuer, in the form for comparison
	serial *big.Int
}

func parseAuthorityKey(der []byte) authorityKey {
	var e struct {
		KeyID  []byte          `asn1:"optional,tag:0"`
		Issuer []asn1.RawValue `asn1:"optional,tag:1"`
		Serial *big.Int        `asn1:"optional,tag:2"`
	}
	if _, err := asn1.Unmarshal(der, &e); err != nil {
		return authorityKey{}
	}
	k := authorityKey{keyID: e.KeyID, serial: e.Serial}
	const directoryName = 4
	if i := slices.IndexFunc(e.Issuer, func(n asn1.RawValue) bool { return n.Tag == directoryName }); i >= 0 {
		k.issuer = canonicalName(e.Issuer[i].Bytes)
	}
	return k
}

// isIdentifiedBy reports whether nothing in k excludes c. Follows X509_check_akid.
func (c *certificate) isIdentifiedBy(k authorityKey) bool {
	if k.keyID != nil && c.SubjectKeyId != nil && !bytes.Equal(k.keyID, c.SubjectKeyId) {
		return false
	}
	if k.serial != nil && k.serial.Cmp(c.SerialNumber) != 0 {
		return false
	}
	return k.issuer == "" || k.issuer == c.issuer
}

// canSign reports whether the key of c is of the kind that an algorithm needs.
func (c *certificate) canSign(a x509.SignatureAlgorithm) bool {
	return c.PublicKeyAlgorithm != x509.UnknownPublicKeyAlgorithm && c.PublicKeyAlgorithm == keyOf(a)
}

func keyOf(a x509.SignatureAlgorithm) x509.PublicKeyAlgorithm {
	switch a {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA,
		x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS:
		return x509.RSA
	case x509.ECDSAWithSHA1, x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512:
		return x509.ECDSA
	case x509.PureEd25519:
		return x509.Ed25519
	}
	return x509.UnknownPublicKeyAlgorithm
}

// verifies reports whether a signature is made with the key of c. crypto/x509 does not verify SHA-1,
// which the security levels 0 and below allow.
func (c *certificate) verifies(a x509.SignatureAlgorithm, signed, signature []byte) bool {
	key, isRSA := c.PublicKey.(*rsa.PublicKey)
	if a != x509.SHA1WithRSA || !isRSA {
		return c.CheckSignature(a, signed, signature) == nil
	}
	h := crypto.SHA1.New()
	h.Write(signed)
	return rsa.VerifyPKCS1v15(key, crypto.SHA1, h.Sum(nil), signature) == nil
}

// rejectsKeyUsage reports whether the extension is present and has none of the usages.
func (c *certificate) rejectsKeyUsage(u x509.KeyUsage) bool {
	return c.has(oidKeyUsage) && c.KeyUsage&u == 0
}
