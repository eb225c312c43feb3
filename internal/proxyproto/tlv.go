package proxyproto

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pires/go-proxyproto"
)

// ErrBrokenTLV means that the last TLV of a header is truncated.
var ErrBrokenTLV = errors.New("broken PROXY protocol TLV")

// Names of TLVs as in $proxy_protocol_tlv_NAME, and of those inside the SSL TLV as in
// $proxy_protocol_tlv_ssl_NAME.
var (
	tlvNames = map[string]uint64{
		"alpn":      uint64(proxyproto.PP2_TYPE_ALPN),
		"authority": uint64(proxyproto.PP2_TYPE_AUTHORITY),
		"unique_id": uint64(proxyproto.PP2_TYPE_UNIQUE_ID),
		"ssl":       uint64(proxyproto.PP2_TYPE_SSL),
		"netns":     uint64(proxyproto.PP2_TYPE_NETNS),
	}
	sslNames = map[string]uint64{
		"version": uint64(proxyproto.PP2_SUBTYPE_SSL_VERSION),
		"cn":      uint64(proxyproto.PP2_SUBTYPE_SSL_CN),
		"cipher":  uint64(proxyproto.PP2_SUBTYPE_SSL_CIPHER),
		"sig_alg": uint64(proxyproto.PP2_SUBTYPE_SSL_SIG_ALG),
		"key_alg": uint64(proxyproto.PP2_SUBTYPE_SSL_KEY_ALG),
	}
)

// sslPrefix is the number of bytes before the TLVs inside the SSL TLV: one of flags and four of the
// certificate verification result.
const sslPrefix = 5

// TLV returns the value of $proxy_protocol_tlv_NAME for a name in lower case, and false if the
// header has none. The name is one of alpn, authority, unique_id, ssl and netns; ssl_version,
// ssl_cn, ssl_cipher, ssl_sig_alg, ssl_key_alg and ssl_verify, which are inside the SSL TLV; or a
// type in hexadecimal, 0xea or ssl_0x21.
//
// As in ngx_proxy_protocol_get_tlv, an error is logged at level error with its text, which is
// nginx's, and otherwise means not found. Without an SSL TLV, a name inside it is not checked. A
// nil Header has no TLVs.
func (h *Header) TLV(name string) (string, bool, error) {
	if h == nil {
		return "", false, nil
	}
	sub, inSSL := strings.CutPrefix(name, "ssl_")
	if !inSSL {
		return lookupName(h.tlvs, name, tlvNames, name)
	}
	ssl, ok, err := lookup(h.tlvs, tlvNames["ssl"])
	if !ok || len(ssl) < sslPrefix {
		return "", false, err
	}
	if sub == "verify" {
		return strconv.FormatUint(uint64(binary.BigEndian.Uint32(ssl[1:])), 10), true, nil
	}
	return lookupName(ssl[sslPrefix:], sub, sslNames, name)
}

// lookupName finds a TLV by its name in names or by its number. full is the name in log messages.
func lookupName(tlvs []byte, name string, names map[string]uint64, full string) (string, bool, error) {
	kind, known := names[name]
	if hex, ok := strings.CutPrefix(name, "0x"); ok {
		n, err := strconv.ParseUint(hex, 16, 63)
		if err != nil {
			return "", false, fmt.Errorf("invalid PROXY protocol TLV \"%s\"", full)
		}
		kind, known = n, true
	}
	if !known {
		return "", false, fmt.Errorf("unknown PROXY protocol TLV \"%s\"", full)
	}
	value, ok, err := lookup(tlvs, kind)
	return string(value), ok, err
}

// lookup finds the first TLV of a type, which may be a number out of range. It does not use
// go-proxyproto because nginx reports a broken TLV only when it reaches it, while the library then
// also discards the TLVs before it. The checksum is not verified.
func lookup(tlvs []byte, kind uint64) ([]byte, bool, error) {
	for len(tlvs) > 0 {
		if len(tlvs) < 3 {
			return nil, false, ErrBrokenTLV
		}
		n := 3 + int(binary.BigEndian.Uint16(tlvs[1:]))
		if len(tlvs) < n {
			return nil, false, ErrBrokenTLV
		}
		if uint64(tlvs[0]) == kind {
			return tlvs[3:n], true, nil
		}
		tlvs = tlvs[n:]
	}
	return nil, false, nil
}
