// Package authority makes certificates for tests, as files for programs and as values for crypto/tls.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// An Authority signs certificates with P-256 keys. Its own certificate is in a file.
type Authority struct {
	Path string // of its certificate

	dir    string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

// A Pair is a certificate and its key.
type Pair struct {
	Cert, Key string // paths
	TLS       tls.Certificate
}

// New makes an authority that keeps its files in dir.
func New(dir, name string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	a := &Authority{dir: dir, key: key, Path: filepath.Join(dir, name+".pem")}
	a.cert = a.template(pkix.Name{CommonName: name})
	a.cert.IsCA, a.cert.BasicConstraintsValid = true, true
	a.cert.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	raw, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, key.Public(), key)
	if err != nil {
		return nil, err
	}
	if a.cert, err = x509.ParseCertificate(raw); err != nil {
		return nil, err
	}
	return a, write(a.Path, "CERTIFICATE", raw)
}

// template returns a certificate that is valid for some hours.
func (a *Authority) template(subject pkix.Name) *x509.Certificate {
	a.serial++
	return &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: subject,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(12 * time.Hour),
	}
}

// Server makes a certificate for names and for 127.0.0.1. The first name is the name of the files.
func (a *Authority) Server(names ...string) (Pair, error) {
	t := a.template(pkix.Name{CommonName: names[0]})
	t.DNSNames, t.IPAddresses = names, []net.IP{net.IPv4(127, 0, 0, 1)}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return a.issue(t)
}

// Client makes a certificate of a client in an organization. The name is that of the files, too.
func (a *Authority) Client(name, organization string) (Pair, error) {
	t := a.template(pkix.Name{CommonName: name, Organization: []string{organization}})
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.issue(t)
}

// issue signs a certificate for a new key and writes both.
func (a *Authority) issue(t *x509.Certificate) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	raw, err := x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), a.key)
	if err != nil {
		return Pair{}, err
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		return Pair{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, err
	}
	base := filepath.Join(a.dir, t.Subject.CommonName)
	p := Pair{Cert: base + ".pem", Key: base + ".key", TLS: tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}}
	if err := write(p.Cert, "CERTIFICATE", raw); err != nil {
		return Pair{}, err
	}
	return p, write(p.Key, "PRIVATE KEY", der)
}

// Pool returns a pool with the authority.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Revoke writes a revocation list with these certificates, and returns its path. A later call replaces it.
func (a *Authority) Revoke(pairs ...Pair) (string, error) {
	a.serial++
	list := &x509.RevocationList{Number: big.NewInt(a.serial), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(12 * time.Hour)}
	for _, p := range pairs {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: p.TLS.Leaf.SerialNumber, RevocationTime: list.ThisUpdate})
	}
	raw, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	if err != nil {
		return "", err
	}
	path := filepath.Join(a.dir, a.cert.Subject.CommonName+".crl")
	return path, write(path, "X509 CRL", raw)
}

// write writes one block of PEM.
func write(path, kind string, raw []byte) error {
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600); err != nil {
		return fmt.Errorf("writing a certificate: %w", err)
	}
	return nil
}
