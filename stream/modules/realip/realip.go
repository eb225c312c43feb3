// Package realip takes the client's address from the PROXY header of a trusted proxy.
//
// See https://nginx.org/en/docs/stream/ngx_stream_realip_module.html.
package realip

import (
	"net/netip"

	"weir/stream"
)

// Handler replaces client addresses in the post-accept phase. It is immutable once in use.
type Handler struct {
	Trusted []netip.Prefix // networks of proxies; masked
	Unix    bool           // proxies on unix sockets are trusted
	// Parse parses the address in a header; ok is false if the text is not an address.
	Parse func(text string) (ip netip.Addr, ok bool)
	// Keep is set if the replaced address is used.
	Keep bool
}

var originals = stream.NewKey[stream.Addr]()

// Handle replaces the client's address and port with those of the header, if the header comes from
// a trusted proxy and has an address. The session continues in any case.
func (h *Handler) Handle(s *stream.Session) (stream.Verdict, error) {
	if s.ProxyHeader == nil || !h.trusts(s.Client.Addr) {
		return stream.Next, nil
	}
	ip, ok := h.Parse(s.ProxyHeader.Client)
	if !ok {
		return stream.Next, nil
	}
	if h.Keep {
		originals.Set(s, s.Client.Addr)
	}
	s.Client.Addr = stream.Addr{IP: netip.AddrPortFrom(ip, s.ProxyHeader.ClientPort)}
	return stream.Next, nil
}

// trusts follows ngx_cidr_match: an IPv4 proxy of an IPv6 socket is trusted as an IPv4 address.
func (h *Handler) trusts(proxy stream.Addr) bool {
	if proxy.Unix {
		return h.Unix
	}
	ip := proxy.IP.Addr().Unmap()
	for i := range h.Trusted {
		if h.Trusted[i].Contains(ip) {
			return true
		}
	}
	return false
}

// Names of the variables with the replaced address.
const (
	RemoteAddr = "realip_remote_addr"
	RemotePort = "realip_remote_port"
)

// Variables returns the variables of the module. If no address was replaced, they are the client's.
func Variables() []stream.Variable {
	return []stream.Variable{
		{Name: RemoteAddr, Get: func(s *stream.Session) (string, bool) { return original(s).Host(), true }},
		{Name: RemotePort, Get: func(s *stream.Session) (string, bool) { return original(s).Port(), true }},
	}
}

func original(s *stream.Session) stream.Addr {
	if a, ok := originals.Get(s); ok {
		return a
	}
	return s.Client.Addr
}
