// Package access allows or denies clients by their addresses.
//
// See https://nginx.org/en/docs/stream/ngx_stream_access_module.html.
package access

import (
	"net/netip"

	"weir/stream"
)

// A Rule is one allow or deny. The zero Rule matches no client.
type Rule struct {
	Deny    bool
	All     bool         // matches every client
	Unix    bool         // matches clients on unix sockets
	Network netip.Prefix // otherwise matches clients from this network; masked
}

// Handler checks clients in the access phase. It is immutable once in use.
type Handler struct {
	ipv4, ipv6 []network
	unix       []bool // whether to deny
}

// A network is a rule for one address family.
type network struct {
	prefix netip.Prefix
	deny   bool
}

// New returns the Handler for the given rules; the first one that matches a client decides.
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

// Handle ends the session with 403 if the client is denied, and ends the phase if it is allowed.
// Without a matching rule the client is allowed.
func (h *Handler) Handle(s *stream.Session) (stream.Verdict, error) {
	deny, found := h.Judge(s.Client.Addr)
	switch {
	case !found:
		return stream.Next, nil
	case !deny:
		return stream.Done, nil
	}
	s.Log(stream.LevelError, "access forbidden by rule", nil)
	return stream.Verdict(stream.StatusForbidden), nil
}

// Judge returns the decision about a client, by the first rule that matches. It follows
// ngx_stream_access_handler: the IPv4 rules apply to an IPv4 client of an IPv6 socket if there are
// any, and otherwise the IPv6 rules.
func (h *Handler) Judge(client stream.Addr) (deny, found bool) {
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
