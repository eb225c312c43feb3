package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"slices"

	"weir/internal/certverify"
)

// Types of PEM blocks with a certificate.
const (
	pemCertificate    = "CERTIFICATE"
	pemOldCertificate = "X509 CERTIFICATE"
	pemTrusted        = "TRUSTED CERTIFICATE" // with settings of trust after the certificate
)

// Certificate loads a certificate with its chain, and its key, as ssl_certificate and
// ssl_certificate_key name them. The passwords are tried in turn for an encrypted key. level is the
// security level of the ciphers. Follows ngx_ssl_certificate.
func (f Files) Certificate(certificate, key string, passwords []string, level int) (tls.Certificate, error) {
	return f.load("SSL_CTX", certificate, key, passwords, level)
}

// ConnectionCertificate loads the certificate of one connection, whose name has variables. Its errors
// name other functions of OpenSSL. Follows ngx_ssl_connection_certificate.
func (f Files) ConnectionCertificate(certificate, key string, passwords []string, level int) (tls.Certificate, error) {
	return f.load("SSL", certificate, key, passwords, level)
}

// load loads a pair for an object of OpenSSL.
func (f Files) load(object, certificate, key string, passwords []string, level int) (tls.Certificate, error) {
	chain, err := f.chain(certificate)
	if err != nil {
		return tls.Certificate{}, err
	}
	if err := checkStrength(object, certificate, chain, level); err != nil {
		return tls.Certificate{}, err
	}
	private, err := f.privateKey(key, passwords)
	if err != nil {
		return tls.Certificate{}, err
	}
	if !private.isOf(chain[0]) {
		return tls.Certificate{}, failed(private.mismatch(chain[0]), "%s_use_PrivateKey(\"%s\") failed", object, key)
	}
	loaded := tls.Certificate{PrivateKey: private.Signer, Leaf: chain[0]}
	for _, c := range chain {
		loaded.Certificate = append(loaded.Certificate, c.Raw)
	}
	return loaded, nil
}

// chain returns the certificates of a file, that of the server first.
func (f Files) chain(name string) ([]*x509.Certificate, error) {
	text, err := f.text(name)
	if err != nil {
		return nil, failed(fopen(name, err), "cannot load certificate \"%s\": BIO_new_file() failed", name)
	}
	first, rest, err := firstCertificate(text)
	if err != nil {
		return nil, failed(err.Error(), "cannot load certificate \"%s\": PEM_read_bio_X509_AUX() failed", name)
	}
	others, err := certificates(rest, pemCertificate, pemOldCertificate)
	if err != nil {
		return nil, failed(err.Error(), "cannot load certificate \"%s\": PEM_read_bio_X509() failed", name)
	}
	return slices.Concat([]*x509.Certificate{first}, others), nil
}

// firstCertificate returns the first certificate of text and the text after it.
func firstCertificate(text []byte) (*x509.Certificate, []byte, error) {
	for {
		block, rest, err := nextBlock(text)
		if err != nil {
			return nil, nil, err
		}
		if block == nil {
			return nil, nil, pemError(noStartLine + pemTrusted)
		}
		if slices.Contains([]string{pemCertificate, pemOldCertificate, pemTrusted}, block.Type) {
			c, err := parseCertificate(block.Bytes, block.Type == pemTrusted)
			return c, rest, err
		}
		text = rest
	}
}

// certificates returns all certificates in blocks of the given types.
func certificates(text []byte, kinds ...string) (all []*x509.Certificate, err error) {
	found, err := blocks(text, kinds...)
	for _, block := range found {
		c, err := parseCertificate(block.Bytes, block.Type == pemTrusted)
		if err != nil {
			return all, err
		}
		all = append(all, c)
	}
	return all, err
}

// parseCertificate parses DER, which may have settings of trust after the certificate. The error of
// crypto/x509 is more precise than OpenSSL's, and stands after it.
func parseCertificate(der []byte, hasTrust bool) (*x509.Certificate, error) {
	if hasTrust {
		var raw asn1.RawValue
		if _, err := asn1.Unmarshal(der, &raw); err == nil {
			der = raw.FullBytes
		}
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, pemError(badASN1 + "X509" + fromPEM + ": " + err.Error())
	}
	return c, nil
}

// checkStrength refuses certificates that OpenSSL does not use at a security level.
func checkStrength(object, name string, chain []*x509.Certificate, level int) error {
	for i, c := range chain {
		weak, call, key := certverify.Weakness(c, level), object+"_use_certificate", "error:0A00018F:SSL routines::ee key too small"
		if i > 0 {
			call, key = object+"_set0_chain", "error:0A00018D:SSL routines::ca key too small"
		}
		switch weak {
		case certverify.KeyTooWeak:
			return failed(key, "%s(\"%s\") failed", call, name)
		case certverify.DigestTooWeak:
			return failed("error:0A00018E:SSL routines::ca md too weak", "%s(\"%s\") failed", call, name)
		}
	}
	return nil
}

// Authorities loads the certificates of ssl_client_certificate, ssl_trusted_certificate and
// proxy_ssl_trusted_certificate. Settings of trust in TRUSTED CERTIFICATE blocks are not evaluated,
// so such a block is refused.
func (f Files) Authorities(name string) ([]*x509.Certificate, error) {
	text, err := f.text(name)
	if err != nil {
		return nil, failed(fopen(name, err), "cannot load certificate \"%s\": BIO_new_file() failed", name)
	}
	if trusted, _ := blocks(text, pemTrusted); len(trusted) > 0 {
		return nil, failed("", "cannot load certificate \"%s\": PEM_read_bio_X509_AUX() failed: TRUSTED CERTIFICATE is not supported", name)
	}
	all, err := certificates(text, pemCertificate, pemOldCertificate)
	if err == nil && len(all) == 0 {
		err = pemError(noStartLine + pemTrusted)
	}
	if err != nil {
		return nil, failed(err.Error(), "cannot load certificate \"%s\": PEM_read_bio_X509_AUX() failed", name)
	}
	return all, nil
}

// RevocationLists loads the lists of ssl_crl and proxy_ssl_crl.
func (f Files) RevocationLists(name string) (all []*x509.RevocationList, err error) {
	text, err := f.text(name)
	if err != nil {
		return nil, failed(fopen(name, err), "cannot load CRL \"%s\": BIO_new_file() failed", name)
	}
	found, err := blocks(text, "X509 CRL")
	for _, block := range found {
		l, parseErr := parseRevocationList(block.Bytes)
		if parseErr != nil {
			err = pemError(badASN1 + "X509_CRL" + fromPEM + ": " + parseErr.Error())
			break
		}
		all = append(all, l)
	}
	if err == nil && len(all) == 0 {
		err = pemError(noStartLine + "X509 CRL")
	}
	if err != nil {
		return nil, failed(err.Error(), "cannot load CRL \"%s\": PEM_read_bio_X509_CRL() failed", name)
	}
	return all, nil
}

// CheckDHParameters checks that the file of ssl_dhparam has parameters. They have no effect, since
// crypto/tls has no cipher that uses them. Follows ngx_ssl_dhparam.
func (f Files) CheckDHParameters(name string) error {
	text, err := f.text(name)
	if err != nil {
		return failed(fopen(name, err), "BIO_new_file(\"%s\") failed", name)
	}
	found, err := blocks(text, "DH PARAMETERS", "X9.42 DH PARAMETERS")
	if err == nil && len(found) == 0 {
		err = pemError(noStartLine + "DH PARAMETERS")
	}
	if err != nil {
		return failed(err.Error(), "PEM_read_bio_DHparams(\"%s\") failed", name)
	}
	return nil
}
