package directives

import (
	"context"
	"net/netip"

	"weir/internal/getaddrinfo"
)

// LookupHost returns the lookup function of an Env. It resolves names as nginx does while it reads
// a configuration: with the C library's getaddrinfo. ctx ends pending lookups.
func LookupHost(ctx context.Context) func(name string) ([]netip.Addr, error) {
	return func(name string) ([]netip.Addr, error) { return getaddrinfo.Lookup(ctx, name) }
}
