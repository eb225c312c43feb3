package proxyproto

import (
	"bytes"
	"net/netip"
	"strconv"
)

// parseV1 reads a version 1 header and returns its length, 0 if b has none. UNKNOWN gives a nil
// Header.
//
// It does not use go-proxyproto because nginx keeps the addresses as text, and checks only that
// they consist of hexadecimal digits, dots and colons: it accepts IPv4 text in a TCP6 line, as
// other nginx servers send, and an empty address. Ports may have leading zeros, and only MaxHeader
// limits the line.
func parseV1(b []byte) (*Header, int) {
	rest, ok := bytes.CutPrefix(b, []byte("PROXY "))
	if !ok {
		return nil, 0
	}
	if rest, ok := bytes.CutPrefix(rest, []byte("UNKNOWN")); ok {
		_, after, found := bytes.Cut(rest, []byte("\r\n"))
		if !found {
			return nil, 0
		}
		return nil, len(b) - len(after)
	}
	if len(rest) < 5 || string(rest[:3]) != "TCP" || rest[3] != '4' && rest[3] != '6' || rest[4] != ' ' {
		return nil, 0
	}
	l := line{rest: rest[5:], ok: true}
	h := new(Header)
	h.Client, h.Server = l.addr(), l.addr()
	h.ClientPort, h.ServerPort = l.port(" "), l.port("\r")
	if !l.ok || len(l.rest) == 0 || l.rest[0] != '\n' {
		return nil, 0
	}
	return h, len(b) - len(l.rest) + 1
}

// A line is the unread rest of a version 1 header. Once ok is false it stays false.
type line struct {
	rest []byte
	ok   bool
}

// field returns the text before sep and continues after it.
func (l *line) field(sep string) []byte {
	field, rest, found := bytes.Cut(l.rest, []byte(sep))
	l.rest, l.ok = rest, l.ok && found
	return field
}

// addr returns an address, as in ngx_proxy_protocol_read_addr.
func (l *line) addr() string {
	field := l.field(" ")
	for _, c := range field {
		if !isAddrByte(c) {
			l.ok = false
			return ""
		}
	}
	return string(field)
}

func isAddrByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' || c == '.' || c == ':'
}

// port returns a port, as in ngx_proxy_protocol_read_port: digits without a sign.
func (l *line) port(sep string) uint16 {
	field := l.field(sep)
	port, err := strconv.ParseUint(string(field), 10, 16)
	if err != nil {
		l.ok = false
	}
	return uint16(port)
}

// AppendV1 appends the version 1 header that ngx_proxy_protocol_write sends, without allocating:
// both addresses in the form of the sockets, the family of the client. So if realip sets a client
// of another family than the server's address, the line mixes families, and an IPv4 client of a
// listener on [::] is TCP6 and ::ffff:192.0.2.1. go-proxyproto would convert the address.
//
// The server's address is the one on which the client was accepted; it must be valid. An invalid
// client address means a client without an address, on a unix socket: PROXY UNKNOWN.
func AppendV1(dst []byte, client, server netip.AddrPort) []byte {
	if !client.IsValid() {
		return append(dst, "PROXY UNKNOWN\r\n"...)
	}
	dst = appendV1Client(dst, client)
	dst = AppendAddr(dst, server.Addr())
	return appendV1Ports(dst, client.Port(), server.Port())
}

// AppendV1Unix is AppendV1 for a client that was accepted on the unix socket at path and whose
// address realip has replaced: nginx prints "unix:", the path and port 0.
func AppendV1Unix(dst []byte, client netip.AddrPort, path string) []byte {
	if !client.IsValid() {
		return AppendV1(dst, client, netip.AddrPort{})
	}
	dst = appendV1Client(dst, client)
	dst = append(append(dst, "unix:"...), path...)
	return appendV1Ports(dst, client.Port(), 0)
}

func appendV1Client(dst []byte, client netip.AddrPort) []byte {
	family := "PROXY TCP6 "
	if client.Addr().Is4() {
		family = "PROXY TCP4 "
	}
	return append(AppendAddr(append(dst, family...), client.Addr()), ' ')
}

func appendV1Ports(dst []byte, client, server uint16) []byte {
	dst = strconv.AppendUint(append(dst, ' '), uint64(client), 10)
	dst = strconv.AppendUint(append(dst, ' '), uint64(server), 10)
	return append(dst, "\r\n"...)
}
