//go:build linux

package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"weir/bench/load"
)

// tlsName is the name in the certificates of the TLS servers.
const tlsName = "mqtt.example"

// The files with the certificates and the keys of the TLS servers, in the directory of a site.
const (
	certificateP256 = "p256.pem"
	certificateRSA  = "rsa.pem"
)

// writeCertificates creates self-signed certificates in dir, each in one file with its key.
func writeCertificates(dir string) error {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if err := writeCertificate(filepath.Join(dir, certificateP256), p256); err != nil {
		return err
	}
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	return writeCertificate(filepath.Join(dir, certificateRSA), rsa2048)
}

func writeCertificate(path string, key crypto.Signer) error {
	sheet := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{tlsName}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, sheet, sheet, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: der}, {Type: "PRIVATE KEY", Bytes: private}} {
		if err := pem.Encode(&b, block); err != nil {
			return err
		}
	}
	return os.WriteFile(path, b.Bytes(), 0o600)
}

// clientTLS returns the TLS settings of clients of TLS doors: TLS 1.3 with X25519, like most
// libraries of devices. resume makes them resume sessions.
func clientTLS(resume bool) *tls.Config {
	c := &tls.Config{
		ServerName: tlsName, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13,
		CurvePreferences: []tls.CurveID{tls.X25519}, DynamicRecordSizingDisabled: true,
	}
	if resume {
		c.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	return c
}

// rsaBlock returns the target of the RSA block of the program whose first block is t's.
func rsaBlock(t *load.Target) *load.Target {
	return &load.Target{Addrs: []netip.AddrPort{mqttRSA.at(t.Addrs[0])}, Sources: t.Sources, TLS: clientTLS(false)}
}
