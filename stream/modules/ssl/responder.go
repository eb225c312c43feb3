package ssl

import (
	"context"
	"net/netip"
	"time"

	"weir/internal/certstatus"
	"weir/internal/errorlog"
	"weir/internal/resolver"
	"weir/stream"
)

// Names looks up the hosts of OCSP responders.
type Names struct {
	Resolver *resolver.Resolver // nil if the configuration has none
	Timeout  time.Duration      // resolver_timeout; 0 disables it
}

// client returns the client that asks responders.
func (n Names) client(env *stream.Env) *certstatus.Client {
	c := &certstatus.Client{Now: env.Now}
	if n.Resolver != nil {
		c.Resolve = n.lookup
	}
	return c
}

func (n Names) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if n.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, n.Timeout)
		defer cancel()
	}
	answer, err := n.Resolver.Lookup(ctx, host)
	return answer.Addrs, err
}

// levelOf returns the level at which nginx logs a problem.
func levelOf(p certstatus.Problem) errorlog.Level {
	if p.IsWarning {
		return errorlog.Warn
	}
	return errorlog.Error
}
