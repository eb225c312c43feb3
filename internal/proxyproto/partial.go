package proxyproto

import (
	"bytes"
	"encoding/binary"

	"github.com/pires/go-proxyproto"
)

// Partial reports whether b may be the beginning of a header whose rest has not arrived yet. It is
// false if no continuation of b is a header, and if b has MaxHeader bytes.
func Partial(b []byte) bool {
	if len(b) >= MaxHeader {
		return false
	}
	return partialV2(b) || partialV1(b)
}

func partialV2(b []byte) bool {
	if n := min(len(b), len(proxyproto.SIGV2)); !bytes.Equal(b[:n], proxyproto.SIGV2[:n]) {
		return false
	}
	if len(b) > 12 && b[12]>>4 != 2 {
		return false
	}
	if len(b) < prefixV2 {
		return true
	}
	end := prefixV2 + int(binary.BigEndian.Uint16(b[14:]))
	return len(b) < end && end <= MaxHeader
}

// linesV1 are the possible beginnings of a version 1 header.
var linesV1 = [...]string{"PROXY TCP4 ", "PROXY TCP6 ", unknownLine}

const unknownLine = "PROXY UNKNOWN"

func partialV1(b []byte) bool {
	for _, begin := range linesV1 {
		n := min(len(b), len(begin))
		if string(b[:n]) != begin[:n] {
			continue
		}
		rest := b[n:]
		if begin == unknownLine {
			return !bytes.Contains(rest, []byte("\r\n"))
		}
		return bytes.IndexFunc(bytes.TrimSuffix(rest, []byte("\r")), notOfAddrs) < 0
	}
	return false
}

// notOfAddrs reports whether c cannot occur among the addresses and ports of a line.
func notOfAddrs(c rune) bool { return c > 0x7f || !isAddrByte(byte(c)) && c != ' ' }
