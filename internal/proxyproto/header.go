// Package proxyproto reads and writes the PROXY protocol's header, versions 1 and 2, as nginx does.
//
// What is written is github.com/pires/go-proxyproto's where it agrees with nginx. nginx reads what that refuses, so this package reads
// by itself; a test compares it with the library.
package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/pires/go-proxyproto"
)

// MaxHeader is how many bytes nginx looks at for a header, NGX_PROXY_PROTOCOL_MAX_HEADER.
const MaxHeader = 4096

// ErrTooLarge means that a header of version 2 is longer than what was received, or than MaxHeader.
var ErrTooLarge = errors.New("header is too large")

// ErrSilent means that a header of version 2 has no room for its addresses. nginx ends the session without a word about it, so
// this is not to be logged.
var ErrSilent = errors.New("header without room for addresses")

// A Header is what a PROXY header said of the client. It shares no memory with what it was parsed from.
type Header struct {
	Client     string // $proxy_protocol_addr; from version 1 the text as it was sent, which need not be an address
	Server     string // $proxy_protocol_server_addr, likewise
	ClientPort uint16 // $proxy_protocol_port; nginx's variable is empty for port 0
	ServerPort uint16 // $proxy_protocol_server_port, likewise
	tlvs       []byte
}

// Parse reads the header at the start of b, which holds what the first read from a client brought, and returns its length.
// The Header is nil for one that gives no addresses: UNKNOWN, LOCAL, and what nginx does not support, datagrams and unix
// sockets. Such a header is passed over, and no variable has a value.
//
// As in ngx_proxy_protocol_read the header has to be there whole: a part of one is an error. Partial tells whether the rest may follow.
// Of b no more than MaxHeader bytes are looked at. The text of an error is nginx's, to be logged at level error unless
// it is ErrSilent; the session ends with status 400.
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

// quotable returns text without double quotes, which would end those of a message.
func quotable(text []byte) []byte { return bytes.ReplaceAll(text, []byte(`"`), []byte(`\x22`)) }

// firstLine returns b up to the first CR or LF.
func firstLine(b []byte) []byte {
	if i := bytes.IndexAny(b, "\r\n"); i >= 0 {
		return b[:i]
	}
	return b
}

// Version 2: signature, version and command, family and transport, two bytes of length; then addresses and TLVs.
const (
	prefixV2   = 16
	addrsINET  = 12
	addrsINET6 = 36
)

// parseV2 reads a header of version 2. b begins with its signature and is long enough for what has a fixed place.
//
// It is not go-proxyproto's because nginx passes over what that refuses: commands other than PROXY and LOCAL, families and transports
// that nobody defined, and unix addresses that are cut short.
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

// addrsSize returns how many bytes the addresses of a family and transport take, 0 for those that nginx does not support.
func addrsSize(f proxyproto.AddressFamilyAndProtocol) int {
	switch f {
	case proxyproto.TCPv4:
		return addrsINET
	case proxyproto.TCPv6:
		return addrsINET6
	}
	return 0
}

// readAddrs reads two addresses of one family and, behind them, their ports.
func readAddrs(b []byte) *Header {
	size := len(b)/2 - 2
	ports := b[2*size:]
	return &Header{
		Client: addrText(b[:size]), ClientPort: binary.BigEndian.Uint16(ports),
		Server: addrText(b[size : 2*size]), ServerPort: binary.BigEndian.Uint16(ports[2:]),
	}
}

// addrText is an address as nginx prints it.
func addrText(b []byte) string {
	var room [46]byte
	ip, _ := netip.AddrFromSlice(b)
	return string(AppendAddr(room[:0], ip))
}
