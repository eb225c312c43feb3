package certverify

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"math"
)

// leastBits returns the security bits that the level demands.
func (v *verification) leastBits() int {
	byLevel := [...]int{0, 80, 112, 128, 192, 256}
	return byLevel[min(max(v.options.Level, 0), len(byLevel)-1)]
}

func (v *verification) isStrong(c *certificate) bool {
	return v.leastBits() == 0 || keyBits(c.Certificate) >= v.leastBits()
}

// keyBits returns the security bits of a public key; 0 for a kind that is not known.
func keyBits(c *x509.Certificate) int {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return modulusBits(key.N.BitLen())
	case *ecdsa.PublicKey:
		return min(key.Params().BitSize/2, 256)
	case ed25519.PublicKey:
		return 128
	}
	return 0
}

// modulusBits follows ossl_ifc_ffc_compute_security_bits: the estimate of NIST SP 800-56B, with its
// values for common sizes.
func modulusBits(n int) int {
	common := map[int]int{2048: 112, 3072: 128, 4096: 152, 6144: 176, 7680: 192, 8192: 200, 15360: 256}
	if bits, ok := common[n]; ok {
		return bits
	}
	if n < 8 {
		return 0
	}
	x := float64(n) * math.Ln2
	bits := (1.923*math.Cbrt(x*math.Pow(math.Log(x), 2)) - 4.69) / math.Ln2
	return (int(bits) + 4) &^ 7
}

// digestBits returns the security bits of the digest of a signature.
func digestBits(a x509.SignatureAlgorithm) int {
	switch a {
	case x509.MD2WithRSA, x509.MD5WithRSA:
		return 39
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1:
		return 63
	case x509.SHA256WithRSA, x509.SHA256WithRSAPSS, x509.ECDSAWithSHA256, x509.PureEd25519:
		return 128
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		return 192
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		return 256
	}
	return 0
}

// Weakness returns KeyTooWeak or DigestTooWeak if OpenSSL does not use a certificate of its own at a
// security level, and else OK. The digest of a self-signed certificate does not matter. Follows
// ssl_security_cert.
func Weakness(c *x509.Certificate, level int) Code {
	v := &verification{options: Options{Level: level}}
	own := newCertificate(c)
	switch {
	case !v.isStrong(own):
		return KeyTooWeak
	case !own.selfSigned && digestBits(c.SignatureAlgorithm) < v.leastBits():
		return DigestTooWeak
	}
	return OK
}
