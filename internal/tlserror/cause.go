package tlserror

import (
	"errors"
	"net"
	"slices"
	"strings"
)

// A Cause is a reason for a failed handshake that is counted by itself.
type Cause int

// The causes.
const (
	OtherCause Cause = iota
	NoCommonProtocol
	NoCommonCipher
	RejectedCertificate // the peer does not accept the certificate that it was sent
)

// rejections are the alerts about a certificate, in the words of crypto/tls.
var rejections = []string{
	"bad certificate", "unsupported certificate", "revoked certificate", "expired certificate", "unknown certificate",
	"unknown certificate authority",
}

// CauseOf returns the reason for an error of a handshake.
func CauseOf(err error) Cause {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		words := strings.TrimPrefix(op.Err.Error(), "tls: ")
		switch {
		case slices.Contains(rejections, words):
			return RejectedCertificate
		case words == "protocol version not supported":
			return NoCommonProtocol
		}
		return OtherCause
	}
	text := err.Error()
	switch {
	case strings.HasPrefix(text, "tls: client offered only unsupported versions"),
		strings.HasPrefix(text, "tls: server selected unsupported protocol version"):
		return NoCommonProtocol
	case strings.HasPrefix(text, "tls: no cipher suite supported by both client and server"):
		return NoCommonCipher
	}
	return OtherCause
}
