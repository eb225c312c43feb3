package ciphers

// criteria select ciphers. A zero field selects all. strength and quality are apart because OpenSSL
// narrows them apart: HIGH and FIPS, and whether DEFAULT contains the cipher.
type criteria struct {
	id       uint16
	kx       keyExchange
	auth     authentication
	enc      encryption
	mac      mac
	since    version
	strength strength
	quality  strength
}

func (s criteria) matches(c *cipher) bool {
	return (s.id == 0 || s.id == c.id) &&
		(s.kx == 0 || s.kx&c.kx != 0) &&
		(s.auth == 0 || s.auth&c.auth != 0) &&
		(s.enc == 0 || s.enc&c.enc != 0) &&
		(s.mac == 0 || s.mac&c.mac != 0) &&
		(s.since == 0 || s.since == c.since) &&
		(s.strength == 0 || s.strength&c.strength != 0) &&
		(s.quality == 0 || s.quality&c.strength != 0)
}

// narrow adds the criteria of one more name, and reports whether a cipher can meet both.
func (s *criteria) narrow(with criteria) bool {
	if with.id != 0 {
		s.id = with.id
	}
	return narrow(&s.kx, with.kx) && narrow(&s.auth, with.auth) && narrow(&s.enc, with.enc) && narrow(&s.mac, with.mac) &&
		narrow(&s.since, with.since) && narrow(&s.strength, with.strength) && narrow(&s.quality, with.quality)
}

func narrow[T ~uint16 | ~uint32](to *T, with T) bool {
	switch {
	case with == 0:
		return true
	case *to == 0:
		*to = with
	default:
		*to &= with
	}
	return *to != 0
}

// lookUp returns the criteria of a name, and the cipher if it is the name of one.
func lookUp(name string) (criteria, *cipher, bool) {
	if s, ok := aliases[name]; ok {
		return s, nil, true
	}
	if c := byName[name]; c != nil {
		return criteria{id: c.id, kx: c.kx, auth: c.auth, enc: c.enc, mac: c.mac, since: c.since, strength: c.strength &^ notDefault}, c, true
	}
	return criteria{}, nil, false
}

var byName = func() map[string]*cipher {
	all := map[string]*cipher{}
	for i := range table {
		all[table[i].name] = &table[i]
	}
	return all
}()

// aliases are the names of classes, as in cipher_aliases.
var aliases = map[string]criteria{
	"ALL":                 {enc: ^eNULL},
	"COMPLEMENTOFALL":     {enc: eNULL},
	"COMPLEMENTOFDEFAULT": {quality: notDefault},

	"kRSA": {kx: kRSA}, "RSA": {kx: kRSA},
	"kEDH": {kx: kDHE}, "kDHE": {kx: kDHE}, "DH": {kx: kDHE},
	"kEECDH": {kx: kECDHE}, "kECDHE": {kx: kECDHE}, "ECDH": {kx: kECDHE},
	"kPSK": {kx: kPSK}, "kRSAPSK": {kx: kRSAPSK}, "kECDHEPSK": {kx: kECDHEPSK}, "kDHEPSK": {kx: kDHEPSK}, "PSK": {kx: kAnyPSK},
	"kSRP": {kx: kSRP}, "SRP": {kx: kSRP}, "kGOST": {kx: kGOST}, "kGOST18": {kx: kGOST},
	"EDH": {kx: kDHE, auth: ^aNULL}, "DHE": {kx: kDHE, auth: ^aNULL},
	"EECDH": {kx: kECDHE, auth: ^aNULL}, "ECDHE": {kx: kECDHE, auth: ^aNULL},
	"ADH": {kx: kDHE, auth: aNULL}, "AECDH": {kx: kECDHE, auth: aNULL},

	"aRSA": {auth: aRSA}, "aDSS": {auth: aDSS}, "DSS": {auth: aDSS}, "aNULL": {auth: aNULL},
	"aECDSA": {auth: aECDSA}, "ECDSA": {auth: aECDSA}, "aPSK": {auth: aPSK}, "aSRP": {auth: aSRP},
	"aGOST": {auth: aGOST}, "aGOST01": {auth: aGOST}, "aGOST12": {auth: aGOST},

	"NULL": {enc: eNULL}, "eNULL": {enc: eNULL},
	"AES128": {enc: eAES128 | eAES128GCM | eAES128CCM | eAES128CCM8}, "AES256": {enc: eAES256 | eAES256GCM | eAES256CCM | eAES256CCM8},
	"AES": {enc: eAES}, "AESGCM": {enc: eGCM}, "AESCCM": {enc: eCCM}, "AESCCM8": {enc: eCCM8},
	"CAMELLIA128": {enc: eCAMELLIA128}, "CAMELLIA256": {enc: eCAMELLIA256}, "CAMELLIA": {enc: eCAMELLIA128 | eCAMELLIA256},
	"ARIA128": {enc: eARIA128}, "ARIA256": {enc: eARIA256}, "ARIA": {enc: eARIA128 | eARIA256}, "ARIAGCM": {enc: eARIA128 | eARIA256},
	"CHACHA20": {enc: eCHACHA20}, "CBC": {enc: eCBC},
	"3DES": {enc: eUnavailable}, "RC4": {enc: eUnavailable}, "RC2": {enc: eUnavailable}, "IDEA": {enc: eUnavailable},
	"SEED": {enc: eUnavailable}, "GOST89": {enc: eUnavailable},

	"MD5": {mac: mMD5}, "SHA1": {mac: mSHA1}, "SHA": {mac: mSHA1}, "SHA256": {mac: mSHA256}, "SHA384": {mac: mSHA384},
	"GOST94": {mac: mGOST}, "GOST89MAC": {mac: mGOST}, "GOST12": {mac: mGOST},

	"SSLv3": {since: sslv3}, "TLSv1": {since: tlsv1}, "TLSv1.0": {since: tlsv1}, "TLSv1.2": {since: tlsv12},
	"LOW": {strength: low}, "MEDIUM": {strength: medium}, "HIGH": {strength: high}, "FIPS": {strength: fips},
}
