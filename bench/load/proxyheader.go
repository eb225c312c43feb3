//go:build linux

package load

import (
	"bytes"
	"encoding/binary"
)

const (
	proxyV1     = "PROXY "
	proxyV1Max  = 107 // bytes of the longest header of version 1, its line end included
	proxyV2     = "\r\n\r\n\x00\r\nQUIT\n"
	proxyV2Head = 16 // bytes before the addresses of version 2
)

// proxyHeader returns the length of the PROXY protocol header at the start of b: 0 if there is
// none, -1 if more bytes are needed to decide.
func proxyHeader(b []byte) int {
	switch {
	case bytes.HasPrefix(b, []byte(proxyV1)):
		return lineEnd(b[:min(len(b), proxyV1Max)])
	case bytes.HasPrefix(b, []byte(proxyV2)):
		return v2End(b)
	case bytes.HasPrefix([]byte(proxyV1), b), bytes.HasPrefix([]byte(proxyV2), b):
		return -1
	}
	return 0
}

func lineEnd(b []byte) int {
	if i := bytes.Index(b, []byte("\r\n")); i >= 0 {
		return i + 2
	}
	return -1
}

func v2End(b []byte) int {
	if len(b) < proxyV2Head {
		return -1
	}
	n := proxyV2Head + int(binary.BigEndian.Uint16(b[proxyV2Head-2:]))
	if len(b) < n {
		return -1
	}
	return n
}
