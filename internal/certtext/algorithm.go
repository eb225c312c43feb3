package certtext

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"strconv"
)

// signatureNames are OpenSSL's short names of signature algorithms.
var signatureNames = map[x509.SignatureAlgorithm]string{
	x509.MD5WithRSA: "RSA-MD5", x509.SHA1WithRSA: "RSA-SHA1", x509.SHA256WithRSA: "RSA-SHA256", x509.SHA384WithRSA: "RSA-SHA384",
	x509.SHA512WithRSA: "RSA-SHA512", x509.SHA256WithRSAPSS: "RSASSA-PSS", x509.SHA384WithRSAPSS: "RSASSA-PSS",
	x509.SHA512WithRSAPSS: "RSASSA-PSS", x509.ECDSAWithSHA1: "ecdsa-with-SHA1", x509.ECDSAWithSHA256: "ecdsa-with-SHA256",
	x509.ECDSAWithSHA384: "ecdsa-with-SHA384", x509.ECDSAWithSHA512: "ecdsa-with-SHA512", x509.PureEd25519: "ED25519",
}

// unknownAlgorithm is OpenSSL's short name of NID_undef.
const unknownAlgorithm = "UNDEF"

// SignatureAlgorithm returns OpenSSL's short name of the algorithm that a certificate is signed with.
func SignatureAlgorithm(c *x509.Certificate) string {
	if name, ok := signatureNames[c.SignatureAlgorithm]; ok {
		return name
	}
	return unknownAlgorithm
}

// KeyAlgorithm returns the kind and the size of a certificate's key, such as "RSA2048" or "EC256". It is
// empty for other kinds.
func KeyAlgorithm(c *x509.Certificate) string {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return "RSA" + strconv.Itoa(key.N.BitLen())
	case *ecdsa.PublicKey:
		return "EC" + strconv.Itoa(key.Curve.Params().BitSize)
	}
	return ""
}
