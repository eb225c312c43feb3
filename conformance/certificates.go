package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"strings"
	"sync"
	"time"
)

// Times of all certificates: from an hour before the test to years after it, or long ago.
const (
	certAge  = time.Hour
	certLife = 10 * 365 * 24 * time.Hour
)

// rsaKey is the key of all RSA certificates, because making one takes long.
var rsaKey = sync.OnceValues(func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// newKey makes a key of a kind; ECDSA is the default.
func newKey(kind string) (crypto.Signer, error) {
	switch kind {
	case "", "ecdsa":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "rsa":
		return rsaKey()
	case "ed25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("unknown kind of key %q", kind)
}

// certificate makes a certificate and its key, NAME.crt and NAME.key.
func (r *run) certificate(args []string) error {
	options, err := parseOptions(args[1:], "by", "key", "names", "ca", "expired", "ocsp", "signs")
	if err != nil {
		return err
	}
	key, err := newKey(options["key"])
	if err != nil {
		return err
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: args[0]},
		NotBefore: time.Now().Add(-certAge), NotAfter: time.Now().Add(certLife),
		IsCA: options["ca"] != "", BasicConstraintsValid: options["ca"] != "",
	}
	if c.IsCA {
		c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		c.SubjectKeyId = []byte(args[0])
	}
	if options["names"] != "" {
		c.DNSNames = strings.Split(options["names"], ",")
	}
	if options["ocsp"] != "" {
		c.OCSPServer = []string{options["ocsp"]}
	}
	if options["signs"] == "ocsp" {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
	}
	if options["expired"] != "" {
		c.NotAfter = c.NotBefore.Add(time.Minute)
	}
	parent, signer := c, key
	if by := options["by"]; by != "" {
		if parent, signer, err = r.issuer(by); err != nil {
			return err
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := r.writePEM(args[0]+".key", "PRIVATE KEY", private); err != nil {
		return err
	}
	return r.writePEM(args[0]+".crt", "CERTIFICATE", der)
}

func (r *run) writePEM(name, kind string, der []byte) error {
	return os.WriteFile(r.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// pair loads NAME.crt and NAME.key.
func (r *run) pair(name string) (tls.Certificate, error) {
	return tls.LoadX509KeyPair(r.path(name+".crt"), r.path(name+".key"))
}

// issuer returns a certificate with its key.
func (r *run) issuer(name string) (*x509.Certificate, crypto.Signer, error) {
	pair, err := r.pair(name)
	if err != nil {
		return nil, nil, err
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("%T does not sign", pair.PrivateKey)
	}
	return pair.Leaf, key, nil
}

// revoke writes a list of the certificates that an authority has revoked.
func (r *run) revoke(args []string) error {
	by, key, err := r.issuer(args[1])
	if err != nil {
		return err
	}
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: by.NotBefore, NextUpdate: by.NotAfter}
	for _, name := range args[2:] {
		c, _, err := r.issuer(name)
		if err != nil {
			return err
		}
		entry := x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: by.NotBefore}
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, entry)
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, by, key)
	if err != nil {
		return err
	}
	return r.writePEM(args[0], "X509 CRL", der)
}

// join writes the contents of files one after the other.
func (r *run) join(args []string) error {
	var all []byte
	for _, name := range args[1:] {
		text, err := os.ReadFile(r.path(name))
		if err != nil {
			return err
		}
		all = append(all, text...)
	}
	return os.WriteFile(r.path(args[0]), all, 0o600)
}
