// Package getaddrinfo returns the addresses of a name as the function getaddrinfo of the C library
// does for stream sockets of any family with AI_ADDRCONFIG: from the same sources, the same
// addresses in the same order. It follows glibc: nsswitch.conf, hosts and host.conf, resolv.conf
// with search domains, gai.conf and the order of RFC 6724. All files are read for every lookup.
//
// Sources of nsswitch.conf other than files and dns count as not available. nscd is not asked.
package getaddrinfo

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// ErrNotFound is returned for a name without an address, for any reason.
var ErrNotFound = errors.New("host not found")

// maxLookup is the time limit of a lookup. Three dead name servers take half of it with the default
// options.
const maxLookup = time.Minute

// maxFile is the number of bytes read of a file.
const maxFile = 64 << 20

// Lookup returns the addresses of name in the order in which to try them; the same address may
// occur twice. It ends with ctx, and after a minute at most. It may be called concurrently. The
// error is ErrNotFound.
func Lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, maxLookup)
	defer cancel()
	return machine.lookup(ctx, name)
}

// machine is the system that the program runs on.
var machine = system{read: readEtc, getenv: os.Getenv, hostname: os.Hostname, interfaces: interfaceAddrs, source: sourceOf, dnsPort: 53}

// A system provides the inputs of a lookup.
type system struct {
	read       func(name string) (string, error) // reads a file of /etc
	getenv     func(string) string
	hostname   func() (string, error)
	interfaces func() ([]ifaceAddr, error)
	source     func(netip.Addr) (netip.Addr, bool) // returns the local address from which an address is reached
	dnsPort    uint16                              // of all name servers
}

// readEtc reads a file of /etc.
func readEtc(name string) (string, error) {
	f, err := os.Open(filepath.Join("/etc", name))
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	return string(text), err
}

// A family selects the addresses to look up.
type family int

const (
	anyFamily family = iota
	onlyIPv4
	onlyIPv6
)

func (s *system) lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	local := s.local()
	family := local.family()
	if ip, ok := Numeric(name); ok {
		if family == onlyIPv4 && ip.Is4In6() {
			ip = ip.Unmap()
		}
		if family == onlyIPv4 && !ip.Is4() || family == onlyIPv6 && ip.Is4() {
			return nil, ErrNotFound
		}
		return []netip.Addr{ip}, nil
	}
	if name == "*" {
		return nil, ErrNotFound // getaddrinfo does not accept it as a name
	}
	found := s.ask(ctx, name, family)
	if len(found) == 0 {
		return nil, ErrNotFound
	}
	if len(found) > 1 {
		s.sort(found, local)
	}
	return found, nil
}

// A status is the result of a name source.
type status int

const (
	success status = iota
	notFound
	unavailable
	tryAgain
	statuses
)

// ask asks the sources of nsswitch.conf in order.
func (s *system) ask(ctx context.Context, name string, family family) []netip.Addr {
	for _, source := range s.sources() {
		found, status := []netip.Addr(nil), unavailable
		switch source.name {
		case "files":
			found, status = s.askFiles(name, family)
		case "dns":
			found, status = s.askDNS(ctx, name, family)
		}
		if source.stops[status] || ctx.Err() != nil {
			return found
		}
	}
	return nil
}
