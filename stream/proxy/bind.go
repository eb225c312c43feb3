package proxy

import (
	"errors"
	"net/netip"

	"weir/stream"
)

// local is the address that proxy_bind names for s; zero when it is off, empty or, which is logged, no address.
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
		s.Log(stream.LevelError, "invalid local address \""+text+"\"", nil)
		return stream.Addr{}
	}
	return addr
}

// transparentOption is the call that failed to make a socket transparent, as ngx_event_connect_set_transparent names it.
func transparentOption(local stream.Addr) string {
	if local.IP.Addr().Is4() {
		return "setsockopt(IP_TRANSPARENT)"
	}
	return "setsockopt(IPV6_TRANSPARENT)"
}

var errLocal = errors.New("no address")

// ParseLocal reads an address with an optional port, as proxy_bind takes it. It follows ngx_parse_addr_port.
func ParseLocal(text string) (stream.Addr, error) {
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		return stream.Addr{IP: netip.AddrPortFrom(ip, 0)}, nil
	}
	ap, err := netip.ParseAddrPort(text)
	if err != nil || ap.Addr().Zone() != "" || ap.Port() == 0 {
		return stream.Addr{}, errLocal
	}
	return stream.Addr{IP: ap}, nil
}
