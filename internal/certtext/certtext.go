// Package certtext prints the fields of certificates in the forms of OpenSSL, for nginx's variables.
package certtext

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// Serial returns a serial number in upper-case hexadecimal, two digits for each byte.
func Serial(n *big.Int) string {
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	if n.Sign() == 0 {
		return "00"
	}
	return fmt.Sprintf("%s%X", sign, n.Bytes())
}

// Time returns a time of a certificate, such as "Nov  9 10:00:00 2026 GMT".
func Time(t time.Time) string { return t.UTC().Format("Jan _2 15:04:05 2006") + " GMT" }

// DaysLeft returns the whole days from now to the end of a certificate; "0" if it ends within a day or
// has ended.
func DaysLeft(end, now time.Time) string {
	days := (end.Unix() - now.Unix()) / 86400
	return strconv.FormatInt(max(days, 0), 10)
}

// Fingerprint returns the SHA-1 of a certificate, given as DER, in lower-case hexadecimal.
func Fingerprint(der []byte) string {
	sum := sha1.Sum(der)
	return hex.EncodeToString(sum[:])
}

// PEM returns a certificate, given as DER, with a line feed at its end.
func PEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// TabbedPEM returns a certificate, given as DER, with a tab before each line except the first, so that
// it can be the value of a header field. It has no line feed at its end.
func TabbedPEM(der []byte) string {
	return strings.ReplaceAll(strings.TrimSuffix(PEM(der), "\n"), "\n", "\n\t")
}

// EscapedPEM returns a certificate, given as DER, as PEM in which all bytes are escaped that a
// component of a URI must not contain.
func EscapedPEM(der []byte) string {
	var b strings.Builder
	for _, c := range []byte(PEM(der)) {
		if isUnreserved(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}
