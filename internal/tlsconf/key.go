package tlsconf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"

	"github.com/youmark/pkcs8"
)

// Prefixes of keys that are not in files.
const (
	enginePrefix = "engine:"
	storePrefix  = "store:"
)

// Errors that OpenSSL queues for keys.
const (
	errNoKey      pemError = "error:1E08010C:DECODER routines::unsupported:No supported data to decode. Input type: PEM"
	errNoPassword pemError = "error:1400006B:UI routines::processing error:while reading strings " +
		"error:0480006D:PEM routines::problems getting password " + errInterrupted + errInterrupted + "error:04800068:PEM routines::bad password read"
	errInterrupted           = "error:07880109:common libcrypto routines::interrupted or cancelled "
	errBadDecrypt   pemError = "error:1C800064:Provider routines::bad decrypt error:04800065:PEM routines::bad decrypt"
	errBadDecrypt8           = "error:1C800064:Provider routines::bad decrypt error:11800074:PKCS12 routines::pkcs12 cipherfinal error:"
	keyValuesDiffer          = "error:05800074:x509 certificate routines::key values mismatch"
	keyTypesDiffer           = "error:05800073:x509 certificate routines::key type mismatch"
)

// A privateKey is a key that can sign handshakes.
type privateKey struct{ crypto.Signer }

// isOf reports whether the key belongs to a certificate.
func (k privateKey) isOf(c *x509.Certificate) bool {
	public, ok := k.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(c.PublicKey)
}

// mismatch returns OpenSSL's reason why the key is not that of a certificate. OpenSSL accepts a key of
// another kind, and keeps it for another certificate; it is refused here, since the server could not
// use the certificate.
func (k privateKey) mismatch(c *x509.Certificate) string {
	sameKind := false
	switch k.Signer.(type) {
	case *rsa.PrivateKey:
		sameKind = c.PublicKeyAlgorithm == x509.RSA
	case *ecdsa.PrivateKey:
		sameKind = c.PublicKeyAlgorithm == x509.ECDSA
	case ed25519.PrivateKey:
		sameKind = c.PublicKeyAlgorithm == x509.Ed25519
	}
	if sameKind {
		return keyValuesDiffer
	}
	return keyTypesDiffer
}

// privateKey loads a key. Follows ngx_ssl_cache_pkey_create.
func (f Files) privateKey(name string, passwords []string) (privateKey, error) {
	refuse := func(queued, reason string) (privateKey, error) {
		return privateKey{}, failed(queued, "cannot load certificate key \"%s\": %s", name, reason)
	}
	if engine, ok := strings.CutPrefix(name, enginePrefix); ok {
		if !strings.Contains(engine, ":") {
			return refuse("", "invalid syntax")
		}
		return refuse("", `loading "engine:..." certificate keys is not supported`)
	}
	if strings.HasPrefix(name, storePrefix) {
		return refuse("", `loading "store:..." certificate keys is not supported`)
	}
	text, err := f.text(name)
	if err != nil {
		return refuse(fopen(name, err), "BIO_new_file() failed")
	}
	signer, err := decodeKey(text, passwords)
	if err != nil {
		return refuse(err.Error(), "PEM_read_bio_PrivateKey() failed")
	}
	return privateKey{signer}, nil
}

// Types of PEM blocks with a private key.
var pemKeys = []string{"PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"}

// decodeKey returns the first key of text.
func decodeKey(text []byte, passwords []string) (crypto.Signer, error) {
	for {
		block, rest, err := nextBlock(text)
		switch {
		case err != nil || block == nil:
			return nil, errNoKey
		case !slices.Contains(pemKeys, block.Type):
			text = rest
			continue
		}
		return decodeBlock(block, passwords)
	}
}

func decodeBlock(block *pem.Block, passwords []string) (crypto.Signer, error) {
	der, err := decrypt(block, passwords)
	if err != nil {
		return nil, err
	}
	key, err := parseKey(block.Type, der)
	if err != nil {
		return nil, pemError(string(errNoKey) + ": " + err.Error())
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errNoKey
	}
	return signer, nil
}

// parseKey parses a key that is not encrypted any more.
func parseKey(kind string, der []byte) (any, error) {
	switch kind {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(der)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(der)
	}
	return x509.ParsePKCS8PrivateKey(der)
}

// decrypt returns the DER of a key, with the first password that fits if it is encrypted.
func decrypt(block *pem.Block, passwords []string) ([]byte, error) {
	var open func(*pem.Block, string) ([]byte, error)
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY":
		open = decryptPKCS8
	case block.Headers["DEK-Info"] != "":
		open = decryptTraditional
	default:
		return block.Bytes, nil
	}
	if passwords == nil {
		return nil, errNoPassword // OpenSSL would ask at the terminal
	}
	var err error
	for _, p := range passwords {
		var der []byte
		if der, err = open(block, p); err == nil {
			return der, nil
		}
	}
	return nil, err
}

func decryptTraditional(block *pem.Block, password string) ([]byte, error) {
	//lint:ignore SA1019 the form is insecure, and keys have it
	der, err := x509.DecryptPEMBlock(block, []byte(password))
	if err != nil {
		return nil, errBadDecrypt
	}
	// The padding of one in 256 wrong passwords is right.
	if _, err := parseKey(block.Type, der); err != nil {
		return nil, errBadDecrypt
	}
	return der, nil
}

func decryptPKCS8(block *pem.Block, password string) ([]byte, error) {
	key, _, err := pkcs8.ParsePrivateKey(block.Bytes, []byte(password))
	if err == nil {
		return x509.MarshalPKCS8PrivateKey(key)
	}
	if text := err.Error(); strings.Contains(text, "unsupported") || strings.Contains(text, "only PBES2") {
		return nil, errors.New(text)
	}
	reason := "maybe wrong password"
	if password == "" {
		reason = "empty password"
	}
	once := errBadDecrypt8 + reason
	return nil, pemError(once + " " + once)
}
