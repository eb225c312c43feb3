package conf

import (
	"errors"
	"math"
	"net/netip"
	"strings"

	"weir/stream"
)

// An Address is an address as written in a configuration: unix:PATH, [v6]:port, host:port, and in
// listen also port, *:port and ranges of ports. It is a plain value.
type Address struct {
	Host     string     // without the port, an IPv6 address in its brackets; the path of a unix socket; empty if only a port was written
	IP       netip.Addr // valid if Host is a literal address or a wildcard; invalid for a name that needs a lookup
	Port     int        // 0 if NoPort
	PortEnd  int        // the last port of a range; Port if it is not a range
	NoPort   bool       // written without a port; never set for a unix socket
	Wildcard bool       // "*", a port alone, or the address of all zeros
	IsUnix   bool
}

// The errors of addresses have nginx's wording.
var (
	errNoHost       = errors.New("no host")
	errInvalidHost  = errors.New("invalid host")
	errInvalidPort  = errors.New("invalid port")
	errPortRange    = errors.New("invalid port range")
	errInvalidIPv6  = errors.New("invalid IPv6 address")
	errHostNotFound = errors.New("host not found")
	errNoPath       = errors.New("no path in the unix domain socket")
	errLongPath     = errors.New("too long path in the unix domain socket")
)

const (
	maxPort = 65535
	// maxUnixPath is the size of sun_path without the final zero byte.
	maxUnixPath = 107
)

// ParseUpstream parses the address of a server to connect to. The caller checks whether a port is
// required. The error has nginx's wording, such as "invalid port"; names are not looked up. It
// follows ngx_parse_url.
func ParseUpstream(text string) (Address, error) { return addressParser{}.parse(text) }

// ParseListen parses the address of a listen directive. The error has nginx's wording, such as
// "invalid port range".
func ParseListen(text string) (Address, error) { return addressParser{listen: true}.parse(text) }

// Resolve returns the address for each port of the range and each IP address, with the port as the
// outer loop: all addresses that lookup returns for a name, in its order. The error is nginx's
// "host not found".
func (a Address) Resolve(lookup func(name string) ([]netip.Addr, error)) ([]stream.Addr, error) {
	if a.IsUnix {
		return []stream.Addr{stream.UnixAddr(a.Host)}, nil
	}
	ips, err := a.resolveHost(lookup)
	if err != nil {
		return nil, err
	}
	var addrs []stream.Addr
	for port := a.Port; port <= a.PortEnd; port++ {
		for _, ip := range ips {
			addrs = append(addrs, stream.Addr{IP: netip.AddrPortFrom(ip, uint16(port))})
		}
	}
	return addrs, nil
}

func (a Address) resolveHost(lookup func(name string) ([]netip.Addr, error)) ([]netip.Addr, error) {
	if a.IP.IsValid() {
		return []netip.Addr{a.IP}, nil
	}
	found, err := lookup(a.Host)
	if err != nil || len(found) == 0 {
		return nil, errHostNotFound
	}
	return found, nil
}

// An addressParser parses addresses; listen allows the forms that only that directive has.
type addressParser struct {
	listen bool
}

func (p addressParser) parse(text string) (Address, error) {
	if len(text) >= len("unix:") && strings.EqualFold(text[:len("unix:")], "unix:") {
		return parseUnix(text[len("unix:"):])
	}
	if strings.HasPrefix(text, "[") {
		return p.parseIPv6(text)
	}
	return p.parseHost(text)
}

func parseUnix(path string) (Address, error) {
	if path == "" {
		return Address{}, errNoPath
	}
	if len(path) > maxUnixPath {
		return Address{}, errLongPath
	}
	return Address{Host: path, IsUnix: true}, nil
}

// parseIPv6 follows ngx_parse_inet6_url.
func (p addressParser) parseIPv6(text string) (Address, error) {
	end := strings.IndexByte(text, ']')
	if end < 0 {
		return Address{}, errInvalidHost
	}
	a := Address{Host: text[:end+1], NoPort: true}
	rest := text[end+1:]
	if strings.Contains(rest, "/") {
		return Address{}, errInvalidHost
	}
	if rest != "" {
		if rest[0] != ':' {
			return Address{}, errInvalidHost
		}
		if err := p.setPorts(&a, rest[1:]); err != nil {
			return Address{}, err
		}
	}
	if end == 1 {
		return Address{}, errNoHost
	}
	ip := stream.ParseIPv6(text[1:end])
	if !ip.IsValid() {
		return Address{}, errInvalidIPv6
	}
	a.IP, a.Wildcard = ip, ip.IsUnspecified()
	return a, nil
}

// parseHost follows ngx_parse_inet_url.
func (p addressParser) parseHost(text string) (Address, error) {
	if strings.ContainsAny(text, "/?") {
		return Address{}, errInvalidHost
	}
	host, port, hasPort := strings.Cut(text, ":")
	if !hasPort && p.listen {
		if a, ok, err := p.parsePortAlone(text); ok || err != nil {
			return a, err
		}
	}
	a := Address{Host: host, NoPort: true}
	if hasPort {
		if err := p.setPorts(&a, port); err != nil {
			return Address{}, err
		}
	}
	if host == "" {
		return Address{}, errNoHost
	}
	if p.listen && host == "*" {
		a.IP = netip.IPv4Unspecified()
	} else if ip, ok := parseIPv4(host); ok {
		a.IP = ip
	}
	a.Wildcard = a.IP.IsValid() && a.IP.IsUnspecified()
	return a, nil
}

// parsePortAlone parses "1883" or "1883-1890"; ok is false for any other text, such as a name.
func (p addressParser) parsePortAlone(text string) (a Address, ok bool, err error) {
	first, last, isRange := strings.Cut(text, "-")
	if !isNumber(first) || isRange && !isNumber(last) {
		return Address{}, false, nil
	}
	if err := p.setPorts(&a, text); err != nil {
		return Address{}, false, err
	}
	a.IP, a.Wildcard = netip.IPv4Unspecified(), true
	return a, true, nil
}

// setPorts parses a port, or in listen a range of ports.
func (p addressParser) setPorts(a *Address, text string) error {
	first, last, isRange := text, text, false
	if p.listen {
		first, last, isRange = strings.Cut(text, "-")
	}
	if !isRange {
		last = first
	}
	end, err := parsePort(last)
	if err != nil {
		return err
	}
	begin, err := parsePort(first)
	if err != nil {
		return err
	}
	if begin > end {
		return errPortRange
	}
	a.Port, a.PortEnd, a.NoPort = begin, end, false
	return nil
}

func parsePort(text string) (int, error) {
	n, ok := number(text)
	if !ok || n < 1 || n > maxPort {
		return 0, errInvalidPort
	}
	return n, nil
}

// number parses decimal digits only, as ngx_atoi does; it fails on overflow.
func number(text string) (int, bool) {
	if text == "" {
		return 0, false
	}
	n := 0
	for i := range len(text) {
		digit := int(text[i]) - '0'
		if digit < 0 || digit > 9 || n > (math.MaxInt-digit)/10 {
			return 0, false
		}
		n = n*10 + digit
	}
	return n, true
}

func isNumber(text string) bool {
	_, ok := number(text)
	return ok
}

// parseIPv4 follows ngx_inet_addr: four decimal octets, which may have leading zeros or be empty,
// which means 0; 255.255.255.255 is not an address.
func parseIPv4(text string) (netip.Addr, bool) {
	var octets [4]byte
	for i := range octets {
		part, rest, more := strings.Cut(text, ".")
		if last := i == len(octets)-1; more == last {
			return netip.Addr{}, false
		}
		n, ok := number(part)
		if part != "" && (!ok || n > 255) {
			return netip.Addr{}, false
		}
		octets[i], text = byte(n), rest
	}
	ip := netip.AddrFrom4(octets)
	return ip, ip != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
