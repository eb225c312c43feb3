// Package proxyproto reads and writes PROXY protocol headers, versions 1 and 2, as nginx does.
//
// Headers are written with github.com/pires/go-proxyproto where it agrees with nginx. nginx accepts
// headers that the library refuses, so this package has its own parser; a test compares it with the
// library.
package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/pires/go-proxyproto"
)

// MaxHeader is the number of bytes that nginx searches for a header, NGX_PROXY_PROTOCOL_MAX_HEADER.
const MaxHeader = 4096

// ErrTooLarge means that a version 2 header is longer than the received data, or than MaxHeader.
var ErrTooLarge = errors.New("header is too large")

// ErrSilent means that a version 2 header is too short for its addresses. nginx ends the session
// without a log message, so callers must not log this error.
var ErrSilent = errors.New("PROXY protocol v2 header too short for its address family")

// A Header contains the client data of a PROXY header. It shares no memory with the parsed bytes.
type Header struct {
	Client     string // $proxy_protocol_addr; in version 1 the text as received, which need not be an address
	Server     string // $proxy_protocol_server_addr, in the same form
	ClientPort uint16 // $proxy_protocol_port; nginx's variable is empty for port 0
	ServerPort uint16 // $proxy_protocol_server_port, also empty for port 0
	tlvs       []byte
}

// Parse reads the header at the start of b, the result of the first read from a client, and returns
// its length. The Header is nil for a header without addresses: UNKNOWN, LOCAL, and those that
// nginx does not support, datagrams and unix sockets. Such a header is skipped, and no variable has
// a value.
//
// As in ngx_proxy_protocol_read the header must be complete: a part of one is an error. Partial
// reports whether the rest may follow. At most MaxHeader bytes of b are read. The text of an error
// is nginx's. It is logged at level error unless it is ErrSilent; the session ends with status 400.
func Parse(b []byte) (*Header, int, error) {
	b = b[:min(len(b), MaxHeader)]
	if len(b) >= prefixV2 && bytes.HasPrefix(b, proxyproto.SIGV2) {
		return parseV2(b)
	}
	h, n := parseV1(b)
	if n == 0 {
		return nil, 0, fmt.Errorf("broken header: \"%s\"", quotable(firstLine(b)))
	}
	return h, n, nil
}

// quotable escapes double quotes, which would end the quoted text in a message.
func quotable(text []byte) []byte { return bytes.ReplaceAll(text, []byte(`"`), []byte(`\x22`)) }

// firstLine returns b up to the first CR or LF.
func firstLine(b []byte) []byte {
	if i := bytes.IndexAny(b, "\r\n"); i >= 0 {
		return b[:i]
	}
	return b
}

// Version 2: signature, version and command, family and transport, two length bytes; then addresses
// and TLVs.
const (
	prefixV2   = 16
	addrsINET  = 12
	addrsINET6 = 36
)

// parseV2 reads a version 2 header. b begins with the signature and contains at least the
// fixed-size part.
//
// It does not use go-proxyproto because nginx skips headers that the library refuses: commands
// other than PROXY and LOCAL, undefined families and transports, and truncated unix addresses.
func parseV2(b []byte) (*Header, int, error) {
	if version := b[12] >> 4; version != 2 {
		return nil, 0, fmt.Errorf("unknown PROXY protocol version: %d", version)
	}
	end := prefixV2 + int(binary.BigEndian.Uint16(b[14:]))
	if len(b) < end {
		return nil, 0, ErrTooLarge
	}
	size := 0
	if proxyproto.ProtocolVersionAndCommand(b[12]) == proxyproto.PROXY {
		size = addrsSize(proxyproto.AddressFamilyAndProtocol(b[13]))
	}
	if size == 0 {
		return nil, end, nil
	}
	if end < prefixV2+size {
		return nil, 0, ErrSilent
	}
	h := readAddrs(b[prefixV2 : prefixV2+size])
	h.tlvs = bytes.Clone(b[prefixV2+size : end])
	return h, end, nil
}

// addrsSize returns the size in bytes of the addresses of a family and transport, 0 for those that
// nginx does not support.
func addrsSize(f proxyproto.AddressFamilyAndProtocol) int {
	switch f {
	case proxyproto.TCPv4:
		return addrsINET
	case proxyproto.TCPv6:
		return addrsINET6
	}
	return 0
}

// readAddrs reads two addresses of one family and the ports that follow them.
func readAddrs(b []byte) *Header {
	size := len(b)/2 - 2
	ports := b[2*size:]
	return &Header{
		Client: addrText(b[:size]), ClientPort: binary.BigEndian.Uint16(ports),
		Server: addrText(b[size : 2*size]), ServerPort: binary.BigEndian.Uint16(ports[2:]),
	}
}

// addrText returns an address as nginx prints it.
func addrText(b []byte) string {
	var room [46]byte
	ip, _ := netip.AddrFromSlice(b)
	return string(AppendAddr(room[:0], ip))
}
