package stream

import (
	"net/netip"
	"strconv"

	"weir/internal/proxyproto"
)

// An Addr is a socket address: an IP address with a port, or the path of a unix socket.
// The zero Addr is invalid.
type Addr struct {
	IP   netip.AddrPort
	Path string // of a unix socket; an unbound unix peer has Unix and no path
	Unix bool
	UDP  bool // a datagram address; a UDP port is a different address from the same TCP port
}

// UnixAddr returns the address of the unix socket at path.
func UnixAddr(path string) Addr { return Addr{Path: path, Unix: true} }

// IsValid reports whether a is an address.
func (a Addr) IsValid() bool { return a.Unix || a.IP.IsValid() }

// Host returns the address without its port, as nginx's addr_text: "192.0.2.1", "2001:db8::1",
// "unix:/path", "unix:".
func (a Addr) Host() string {
	if a.Unix {
		return "unix:" + a.Path
	}
	return string(a.AppendHost(make([]byte, 0, maxText)))
}

// maxText is the length of the longest IP address with a port.
const maxText = len("[0000:0000:0000:0000:0000:ffff:255.255.255.255]:65535")

// AppendHost appends what Host returns.
func (a Addr) AppendHost(b []byte) []byte {
	if a.Unix {
		return append(append(b, "unix:"...), a.Path...)
	}
	return proxyproto.AppendAddr(b, a.IP.Addr())
}

// Port returns the port in decimal. As in nginx's variables, it is empty for a unix socket and for
// port 0.
func (a Addr) Port() string {
	if a.Unix || !a.IP.IsValid() || a.IP.Port() == 0 {
		return ""
	}
	return strconv.Itoa(int(a.IP.Port()))
}

// String returns the address as nginx prints it: "192.0.2.1:80", "[2001:db8::1]:80", "unix:/path".
func (a Addr) String() string {
	if a.Unix {
		return "unix:" + a.Path
	}
	if !a.IP.IsValid() {
		return ""
	}
	b := make([]byte, 0, maxText)
	if a.IP.Addr().Is4() {
		b = a.AppendHost(b)
	} else {
		b = append(a.AppendHost(append(b, '[')), ']')
	}
	return string(strconv.AppendUint(append(b, ':'), uint64(a.IP.Port()), 10))
}

// Network returns the network name that package net uses for the address, for streams or datagrams.
func (a Addr) Network() string {
	switch {
	case a.Unix && a.UDP:
		return "unixgram"
	case a.Unix:
		return "unix"
	case a.UDP:
		return "udp"
	}
	return "tcp"
}
