package proxy

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"weir/internal/errorlog"
	"weir/stream"
)

// local returns the address that proxy_bind names for s; zero if it is off, empty or not an
// address, which is logged.
func (c *Content) local(s *stream.Session) stream.Addr {
	if c.Bind == nil {
		return stream.Addr{}
	}
	text := c.Bind.Eval(s)
	if text == "" {
		return stream.Addr{}
	}
	addr, err := ParseLocal(text)
	if err != nil {
		s.Log(stream.LevelError, "invalid local address \""+errorlog.Quote(text)+"\"", nil)
		return stream.Addr{}
	}
	return addr
}

// inFamilyOf returns local in a form that a socket of the server's family can bind to. The address
// of an IPv4 client of an IPv6 socket, such as "::ffff:192.0.2.1", becomes an IPv4 address for an
// IPv4 server.
func inFamilyOf(server, local stream.Addr) stream.Addr {
	if server.IP.Addr().Is4() && local.IP.Addr().Is4In6() {
		local.IP = netip.AddrPortFrom(local.IP.Addr().Unmap(), local.IP.Port())
	}
	return local
}

// transparentOption returns the name of the call that failed to make a socket transparent, as in
// ngx_event_connect_set_transparent.
func transparentOption(local stream.Addr) string {
	if local.IP.Addr().Is4() {
		return "setsockopt(IP_TRANSPARENT)"
	}
	return "setsockopt(IPV6_TRANSPARENT)"
}

var errLocal = errors.New("no address")

// ParseLocal parses an address with an optional port for proxy_bind; brackets need no port. It
// follows ngx_parse_addr_port.
func ParseLocal(text string) (stream.Addr, error) {
	if ip := parseLocalIP(withoutBrackets(text)); ip.IsValid() {
		return stream.Addr{IP: netip.AddrPortFrom(ip, 0)}, nil
	}
	host, digits, ok := cutPort(text)
	port, err := strconv.ParseUint(digits, 10, 16)
	ip := parseLocalIP(host)
	if err != nil || port == 0 || !ok || !ip.IsValid() {
		return stream.Addr{}, errLocal
	}
	return stream.Addr{IP: netip.AddrPortFrom(ip, uint16(port))}, nil
}

// withoutBrackets returns text without brackets around all of it, or text.
func withoutBrackets(text string) string {
	if inside, bracketed := strings.CutPrefix(text, "["); bracketed {
		if inside, closed := strings.CutSuffix(inside, "]"); closed {
			return inside
		}
	}
	return text
}

// parseLocalIP is stream.ParseIP, except that it refuses 255.255.255.255.
func parseLocalIP(text string) netip.Addr {
	ip := stream.ParseIP(text)
	if ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return netip.Addr{}
	}
	return ip
}

// cutPort splits "HOST:PORT" at the first colon, or "[HOST]:PORT" after the brackets.
func cutPort(text string) (host, port string, ok bool) {
	if inside, bracketed := strings.CutPrefix(text, "["); bracketed {
		return strings.Cut(inside, "]:")
	}
	return strings.Cut(text, ":")
}
