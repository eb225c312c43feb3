// Package ciphers evaluates OpenSSL's lists of ciphers and translates between OpenSSL's names of
// ciphers and the numbers of TLS.
package ciphers

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// A cipher is a cipher of TLS 1.2 and older that OpenSSL 3.0 offers.
type cipher struct {
	id       uint16
	name     string
	kx       keyExchange
	auth     authentication
	enc      encryption
	mac      mac
	since    version
	strength strength
	bits     int
}

type (
	keyExchange    uint16
	authentication uint16
	encryption     uint32
	mac            uint16
	version        uint16
	strength       uint16
)

const (
	kRSA keyExchange = 1 << iota
	kDHE
	kECDHE
	kPSK
	kRSAPSK
	kDHEPSK
	kECDHEPSK
	kSRP
	kGOST
	kAnyPSK = kPSK | kRSAPSK | kDHEPSK | kECDHEPSK
)

const (
	aRSA authentication = 1 << iota
	aDSS
	aECDSA
	aNULL
	aPSK
	aSRP
	aGOST
)

const (
	eNULL encryption = 1 << iota
	eAES128
	eAES256
	eAES128GCM
	eAES256GCM
	eAES128CCM
	eAES256CCM
	eAES128CCM8
	eAES256CCM8
	eARIA128
	eARIA256
	eCAMELLIA128
	eCAMELLIA256
	eCHACHA20
	eUnavailable // 3DES, RC4 and others that are not compiled in
	eGCM         = eAES128GCM | eAES256GCM
	eCCM8        = eAES128CCM8 | eAES256CCM8
	eCCM         = eAES128CCM | eAES256CCM | eCCM8
	eAES         = eAES128 | eAES256 | eGCM | eCCM
	eCBC         = eAES128 | eAES256 | eCAMELLIA128 | eCAMELLIA256
)

const (
	mMD5 mac = 1 << iota
	mSHA1
	mSHA256
	mSHA384
	mAEAD
	mGOST
)

const (
	sslv3 version = 1 << iota
	tlsv1
	tlsv12
)

const (
	high strength = 1 << iota
	medium
	low
	fips
	notDefault
)

// Name returns OpenSSL's name of a cipher of any version of TLS; it is empty for a cipher that
// OpenSSL does not know.
func Name(id uint16) string { return names[id] }

// Offered returns the names of the ciphers that a client offers as nginx's variable $ssl_ciphers
// shows them: separated by colons, unknown ones as hexadecimal numbers.
func Offered(ids []uint16) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(':')
		}
		if name := Name(id); name != "" {
			b.WriteString(name)
		} else {
			fmt.Fprintf(&b, "0x%04x", id)
		}
	}
	return b.String()
}

// implemented reports whether crypto/tls has a cipher.
func implemented(id uint16) bool { return goSuites[id] }

// isUnprotected reports whether crypto/tls has a cipher without protection against timing attacks.
func isUnprotected(c *cipher) bool { return c.enc&eCBC != 0 && c.mac == mSHA256 }

var goSuites = func() map[uint16]bool {
	all := map[uint16]bool{}
	for _, s := range tls.CipherSuites() {
		all[s.ID] = true
	}
	for _, s := range tls.InsecureCipherSuites() {
		all[s.ID] = true
	}
	return all
}()

// names has the ciphers of the table, those of TLS 1.3, the signals that stand in the same list, and
// ciphers that OpenSSL names but Debian's build does not offer.
var names = func() map[uint16]string {
	all := map[uint16]string{
		0x0007: "IDEA-CBC-SHA",
		0x0081: "GOST2001-GOST89-GOST89",
		0x0083: "GOST2001-NULL-GOST94",
		0x0096: "SEED-SHA",
		0x0099: "DHE-DSS-SEED-SHA",
		0x009A: "DHE-RSA-SEED-SHA",
		0x009B: "ADH-SEED-SHA",
		0x00FF: "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
		0x1301: "TLS_AES_128_GCM_SHA256",
		0x1302: "TLS_AES_256_GCM_SHA384",
		0x1303: "TLS_CHACHA20_POLY1305_SHA256",
		0x1304: "TLS_AES_128_CCM_SHA256",
		0x1305: "TLS_AES_128_CCM_8_SHA256",
		0x5600: "TLS_FALLBACK_SCSV",
		0xC100: "GOST2012-KUZNYECHIK-KUZNYECHIKOMAC",
		0xC101: "GOST2012-MAGMA-MAGMAOMAC",
		0xC102: "IANA-GOST2012-GOST8912-GOST8912",
		0xFF85: "LEGACY-GOST2012-GOST8912-GOST8912",
		0xFF87: "GOST2012-NULL-GOST12",
	}
	for i := range table {
		all[table[i].id] = table[i].name
	}
	return all
}()
