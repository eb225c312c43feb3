// Package access lets clients in or turns them away by their addresses.
//
// See https://nginx.org/en/docs/stream/ngx_stream_access_module.html.
package access

import (
	"net/netip"

	"weir/stream"
)

// A Rule is one allow or deny. The zero Rule allows nobody.
type Rule struct {
	Deny    bool
	All     bool         // holds for every client
	Unix    bool         // holds for clients on unix sockets
	Network netip.Prefix // else for clients from there; masked
}

// Handler judges clients in the access phase. It is immutable once in use.
type Handler struct {
	ipv4, ipv6 []network
	unix       []bool // whether to deny
}

// A network is a rule for one family of addresses.
type network struct {
	prefix netip.Prefix
	deny   bool
}

// New returns the Handler of those rules, of which the first one that holds for a client decides.
func New(rules []Rule) *Handler {
	h := &Handler{}
	for _, r := range rules {
		h.add(r)
	}
	return h
}

func (h *Handler) add(r Rule) {
	if r.All || r.Unix {
		h.unix = append(h.unix, r.Deny)
	}
	if r.All {
		h.ipv4 = append(h.ipv4, network{netip.PrefixFrom(netip.IPv4Unspecified(), 0), r.Deny})
		h.ipv6 = append(h.ipv6, network{netip.PrefixFrom(netip.IPv6Unspecified(), 0), r.Deny})
		return
	}
	switch ip := r.Network.Addr(); {
	case ip.Is4():
		h.ipv4 = append(h.ipv4, network{r.Network, r.Deny})
	case ip.Is6():
		h.ipv6 = append(h.ipv6, network{r.Network, r.Deny})
	}
}

// Handle ends the session with 403 when the client is denied, and settles the phase when it is allowed. Without a rule for it the
// client is let in.
func (h *Handler) Handle(s *stream.Session) (stream.Verdict, error) {
	deny, found := h.judge(s.Client.Addr)
	switch {
	case !found:
		return stream.Next, nil
	case !deny:
		return stream.Done, nil
	}
	s.Log(stream.LevelError, "access forbidden by rule", nil)
	return stream.Verdict(stream.StatusForbidden), nil
}

// judge follows ngx_stream_access_handler: an IPv4 client of an IPv6 socket comes under the rules for IPv4 where there are any, and
// otherwise under those for IPv6.
func (h *Handler) judge(client stream.Addr) (deny, found bool) {
	if client.Unix {
		if len(h.unix) == 0 {
			return false, false
		}
		return h.unix[0], true
	}
	ip := client.IP.Addr()
	if ip.Is4In6() && len(h.ipv4) > 0 {
		ip = ip.Unmap()
	}
	if ip.Is4() {
		return first(h.ipv4, ip)
	}
	return first(h.ipv6, ip)
}

func first(networks []network, ip netip.Addr) (deny, found bool) {
	for i := range networks {
		if networks[i].prefix.Contains(ip) {
			return networks[i].deny, true
		}
	}
	return false, false
}
