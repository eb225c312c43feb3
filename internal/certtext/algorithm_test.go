package certtext

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"testing"
)

func TestAlgorithms(t *testing.T) {
	for _, tt := range []struct {
		certificate    x509.Certificate
		signature, key string
	}{
		{
			x509.Certificate{SignatureAlgorithm: x509.SHA256WithRSA, PublicKey: &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047)}},
			"RSA-SHA256", "RSA2048",
		},
		{x509.Certificate{SignatureAlgorithm: x509.ECDSAWithSHA384, PublicKey: &ecdsa.PublicKey{Curve: elliptic.P521()}}, "ecdsa-with-SHA384", "EC521"},
		{x509.Certificate{SignatureAlgorithm: x509.PureEd25519, PublicKey: ed25519.PublicKey{}}, "ED25519", ""},
		{x509.Certificate{}, "UNDEF", ""},
	} {
		if got := SignatureAlgorithm(&tt.certificate); got != tt.signature {
			t.Errorf("got signature %q, want %q", got, tt.signature)
		}
		if got := KeyAlgorithm(&tt.certificate); got != tt.key {
			t.Errorf("got key %q, want %q", got, tt.key)
		}
	}
}
