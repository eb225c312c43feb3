// Package tlserror translates errors of crypto/tls into those of OpenSSL, which nginx logs.
package tlserror

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// OpenSSL returns the error that OpenSSL reports where crypto/tls has returned err. nginx logs it in
// brackets: "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number)".
// isCritical means that it does so at the level crit, and not at the one for errors of peers, which is
// info for clients and error for servers.
//
// The errors of crypto/tls are texts, of which the beginnings are compared. One that is not known is
// returned as it is, and is critical. The end of a connection and errors of the system are the
// caller's: OpenSSL reports none for them.
func OpenSSL(err error) (text string, isCritical bool) {
	if header, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return headerError(header), false
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return alertError(op.Err.Error()), false
	}
	text = err.Error()
	for _, row := range localErrors {
		if strings.HasPrefix(text, row.prefix) {
			return row.openSSL, row.isCritical
		}
	}
	return text, true
}

// maxRecord is the longest content of a record.
const maxRecord = 1<<14 + 2048

// headerError returns the error for a record whose header is not one of TLS.
func headerError(err tls.RecordHeaderError) string {
	head := string(err.RecordHeader[:])
	switch {
	case strings.HasPrefix(err.Msg, "oversized"):
		return errTooLong
	case strings.HasPrefix(err.Msg, "received record with version"):
		return errWrongVersion
	}
	for _, method := range []string{"GET ", "POST ", "HEAD ", "PUT "} {
		if strings.HasPrefix(head, method) {
			return "error:0A00009C:SSL routines::http request"
		}
	}
	switch {
	case strings.HasPrefix(head, "CONNE"):
		return "error:0A00009B:SSL routines::https proxy request"
	case head[0]&0x80 != 0 && head[2] == 1 && head[3] == 3: // a ClientHello of SSLv2 for a later version
		return errUnsupported
	case head[1] == 3 && binary.BigEndian.Uint16(err.RecordHeader[3:]) > maxRecord:
		return errTooLong
	case head[1] == 3:
		return errUnexpected
	}
	return errWrongVersion
}

const (
	errTooLong      = "error:0A0000C6:SSL routines::packet length too long"
	errWrongVersion = "error:0A00010B:SSL routines::wrong version number"
	errUnexpected   = "error:0A0000F4:SSL routines::unexpected message"
	errUnsupported  = "error:0A000102:SSL routines::unsupported protocol"
	errMismatch     = "error:0A00009F:SSL routines::length mismatch"
	errBadMAC       = "error:0A000119:SSL routines::decryption failed or bad record mac"
	errWrongType    = "error:0A000172:SSL routines::wrong signature type"
	errBadSignature = "error:0A00007B:SSL routines::bad signature"
	errParse        = "error:0A08000D:SSL routines::ASN1 lib"
	errDigest       = "error:0A000095:SSL routines::digest check failed"
	errKeyShare     = "error:0A00006C:SSL routines::bad key share"
	errCompression  = "error:0A0000BB:SSL routines::no compression specified"
	errWarnings     = "error:0A000199:SSL routines::too many warn alerts"
)

// ErrCertificate is the error of a callback that has not found a certificate and has logged the reason.
var ErrCertificate = errors.New("no certificate for the handshake")

// localErrors has errors of crypto/tls about the messages of a peer.
var localErrors = []struct {
	prefix, openSSL string
	isCritical      bool
}{
	{"tls: client offered only unsupported versions", errUnsupported, false},
	{"tls: server selected unsupported protocol version", errUnsupported, false},
	{"tls: no cipher suite supported by both client and server", "error:0A0000C1:SSL routines::no shared cipher", false},
	{ErrCertificate.Error(), "error:0A000179:SSL routines::cert cb error", false},
	{"tls: no key exchanges supported by both client and server", "error:0A000065:SSL routines::no suitable key share", false},
	{"tls: client requested unsupported application protocols", "error:0A0000EB:SSL routines::no application protocol", false},
	{"tls: peer doesn't support any of the certificate's signature algorithms", "error:0A000076:SSL routines::no suitable signature algorithm", false},
	{"tls: missing signature_algorithms from TLS 1.2 peer", "error:0A000178:SSL routines::no shared signature algorithms", false},
	{"local error: tls: missing extension", "error:0A000070:SSL routines::missing sigalgs extension", false},
	{"tls: client does not support uncompressed connections", errCompression, false},
	{"tls: TLS 1.3 client supports illegal compression methods", errCompression, false},
	{"tls: client offered only incompatible point formats", "error:0A0000C1:SSL routines::no shared cipher", false},
	{"tls: invalid PSK binder", "error:0A0000FD:SSL routines::binder does not verify", true},
	{"tls: handshake buffer not empty before", "error:0A0000B6:SSL routines::not on record boundary", true},
	{"tls: client used the legacy version field", "error:0A000124:SSL routines::bad legacy version", false},
	{"tls: client using inappropriate protocol fallback", "error:0A000175:SSL routines::inappropriate fallback", false},
	{"tls: client didn't provide a certificate", "error:0A0000C7:SSL routines::peer did not return a certificate", true},
	{"tls: received unexpected handshake message", errUnexpected, false},
	{"tls: handshake message of length", "error:0A000098:SSL routines::excessive message size", false},
	{"local error: tls: unexpected message", errUnexpected, false},
	{"local error: tls: error decoding message", errMismatch, false},
	{"local error: tls: record overflow", errTooLong, false},
	{"local error: tls: bad record MAC", errBadMAC, false},
	{"tls: invalid client key share", errKeyShare, false},
	{"tls: invalid server key share", errKeyShare, false},
	{"tls: client sent unexpected key share in second ClientHello", errKeyShare, false},
	{"tls: client's Finished message is incorrect", errDigest, false},
	{"tls: invalid client finished hash", errDigest, false},
	{"tls: server's Finished message", errDigest, false},
	{"tls: invalid server finished hash", errDigest, false},
	{"tls: too many ignored records", errWarnings, false},
	{"tls: too many non-advancing records", errWarnings, false},
	{"tls: client certificate used with invalid signature algorithm", errWrongType, true},
	{"tls: certificate used with invalid signature algorithm", errWrongType, true},
	{"tls: invalid signature by the client certificate", errBadSignature, true},
	{"tls: invalid signature by the server certificate", errBadSignature, true},
	{"tls: failed to parse client certificate", errParse, true},
	{"tls: failed to parse certificate from server", errParse, true},
	{"tls: server chose an unconfigured cipher suite", "error:0A0000F8:SSL routines::unknown cipher returned", true},
}

// An alert has the words of crypto/tls and of OpenSSL.
type alert struct {
	number       int
	goWords      string
	openSSLWords string
}

// alertError returns the error for an alert of the peer, given in the words of crypto/tls.
func alertError(words string) string {
	words = strings.TrimPrefix(words, "tls: ")
	for _, a := range alerts {
		if a.goWords == words {
			return alertText(a.number, a.openSSLWords)
		}
	}
	number, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(words, "alert("), ")"))
	if err != nil {
		return words
	}
	return alertText(number, fmt.Sprintf("reason(%d)", 1000+number))
}

// alertText follows the numbers of OpenSSL's errors: an alert is 1000 and its number.
func alertText(number int, words string) string {
	return fmt.Sprintf("error:0A%06X:SSL routines::%s:SSL alert number %d", 1000+number, words, number)
}

var alerts = []alert{
	{10, "unexpected message", "sslv3 alert unexpected message"},
	{20, "bad record MAC", "sslv3 alert bad record mac"},
	{21, "decryption failed", "tlsv1 alert decryption failed"},
	{22, "record overflow", "tlsv1 alert record overflow"},
	{30, "decompression failure", "sslv3 alert decompression failure"},
	{40, "handshake failure", "sslv3 alert handshake failure"},
	{41, "alert(41)", "sslv3 alert no certificate"},
	{42, "bad certificate", "sslv3 alert bad certificate"},
	{43, "unsupported certificate", "sslv3 alert unsupported certificate"},
	{44, "revoked certificate", "sslv3 alert certificate revoked"},
	{45, "expired certificate", "sslv3 alert certificate expired"},
	{46, "unknown certificate", "sslv3 alert certificate unknown"},
	{47, "illegal parameter", "sslv3 alert illegal parameter"},
	{48, "unknown certificate authority", "tlsv1 alert unknown ca"},
	{49, "access denied", "tlsv1 alert access denied"},
	{50, "error decoding message", "tlsv1 alert decode error"},
	{51, "error decrypting message", "tlsv1 alert decrypt error"},
	{60, "export restriction", "tlsv1 alert export restriction"},
	{70, "protocol version not supported", "tlsv1 alert protocol version"},
	{71, "insufficient security level", "tlsv1 alert insufficient security"},
	{80, "internal error", "tlsv1 alert internal error"},
	{86, "inappropriate fallback", "tlsv1 alert inappropriate fallback"},
	{90, "user canceled", "tlsv1 alert user cancelled"},
	{100, "no renegotiation", "tlsv1 alert no renegotiation"},
	{109, "missing extension", "tlsv13 alert missing extension"},
	{110, "unsupported extension", "tlsv1 unsupported extension"},
	{111, "certificate unobtainable", "tlsv1 certificate unobtainable"},
	{112, "unrecognized name", "tlsv1 unrecognized name"},
	{113, "bad certificate status response", "tlsv1 bad certificate status response"},
	{114, "bad certificate hash value", "tlsv1 bad certificate hash value"},
	{115, "unknown PSK identity", "tlsv1 alert unknown psk identity"},
	{116, "certificate required", "tlsv13 alert certificate required"},
	{120, "no application protocol", "tlsv1 alert no application protocol"},
	{121, "encrypted client hello required", "reason(1121)"},
}
