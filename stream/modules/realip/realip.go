// Package realip takes the client's address from the PROXY header of a trusted proxy.
//
// See https://nginx.org/en/docs/stream/ngx_stream_realip_module.html.
package realip

import (
	"net/netip"

	"weir/stream"
)

// Handler replaces addresses in the post-accept phase. It is immutable once in use.
type Handler struct {
	Trusted []netip.Prefix // networks of proxies; masked
	Unix    bool           // proxies on unix sockets are trusted
	// Parse reads the address of a header; it is not ok if the text is something else.
	Parse func(text string) (ip netip.Addr, ok bool)
	// Keep says that something asks for the address that was replaced.
	Keep bool
}

var originals = stream.NewKey[stream.Addr]()

// Handle makes the address and port in the header those of the client, if the header comes from a trusted proxy and has an address.
// The session goes on in any case.
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

// Names of the variables that ask for the address that was replaced.
const (
	RemoteAddr = "realip_remote_addr"
	RemotePort = "realip_remote_port"
)

// Variables are the variables of the module. Where no address was replaced they are the client's.
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
