package directives

import (
	"context"
	"net/netip"

	"weir/internal/getaddrinfo"
)

// LookupHost returns the function of an Env that finds the addresses of names as nginx does while it reads a configuration: with the C
// library's getaddrinfo. ctx ends lookups that are under way.
func LookupHost(ctx context.Context) func(name string) ([]netip.Addr, error) {
	return func(name string) ([]netip.Addr, error) { return getaddrinfo.Lookup(ctx, name) }
}
