package getaddrinfo

import (
	"net/netip"
	"slices"
	"strings"

	"weir/internal/ascii"
)

// askFiles looks up name in the hosts file: in the first line with the name, or with "multi on" in
// all of them.
func (s *system) askFiles(name string, family family) ([]netip.Addr, status) {
	text, err := s.read("hosts")
	if err != nil {
		return nil, unavailable
	}
	multi := s.multi()
	var found []netip.Addr
	for line := range strings.Lines(text) {
		ip, ok := parseHost(line, name, family)
		if !ok {
			continue
		}
		found = append(found, ip)
		if !multi {
			break
		}
	}
	if len(found) == 0 {
		return nil, notFound
	}
	return found, success
}

// parseHost returns the address in a line "ADDRESS NAME…" if the line has the name and the address
// is of the family.
func parseHost(line, name string, family family) (netip.Addr, bool) {
	line, _, _ = strings.Cut(line, "#")
	words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(spaces, r) })
	if len(words) < 2 || !slices.ContainsFunc(words[1:], func(w string) bool { return ascii.EqualFold(w, name) }) {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(words[0])
	if err != nil || ip.Zone() != "" {
		return netip.Addr{}, false
	}
	switch {
	case family == onlyIPv4 && ip.Is4In6():
		ip = ip.Unmap()
	case family == onlyIPv4 && ip == netip.IPv6Loopback():
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return ip, !(family == onlyIPv4 && !ip.Is4() || family == onlyIPv6 && ip.Is4())
}

// multi reports whether host.conf or the environment requests all lines of the hosts file.
func (s *system) multi() bool {
	name := "host.conf"
	on := false
	if text, err := s.read(name); err == nil {
		for line := range strings.Lines(text) {
			words := strings.Fields(line)
			if len(words) > 1 && strings.EqualFold(words[0], "multi") {
				on = switchedOn(words[1], on)
			}
		}
	}
	return switchedOn(s.getenv("RESOLV_MULTI"), on)
}

// switchedOn parses "on" or "off"; other texts return before.
func switchedOn(text string, before bool) bool {
	text = strings.ToLower(text)
	switch {
	case strings.HasPrefix(text, "on"):
		return true
	case strings.HasPrefix(text, "off"):
		return false
	}
	return before
}
