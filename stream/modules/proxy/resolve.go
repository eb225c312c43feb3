package proxy

import (
	"net/netip"
	"strings"
	"time"

	"weir/internal/resolver"
	"weir/stream"
	"weir/stream/upstream"
)

// Resolving configures DNS lookups for proxy_pass with variables.
type Resolving struct {
	Resolver *resolver.Resolver // nil disables lookups
	Timeout  time.Duration      // resolver_timeout; 0 disables it
}

// A question is the lookup of a name for one session.
type question struct {
	*resolver.Query
	place Endpoint
}

// resolve looks up a name, at once if it is cached. It follows ngx_stream_proxy_handler.
func (c *Content) resolve(s *stream.Session, p Endpoint) stream.Step {
	names := c.To.Names
	if names.Resolver == nil {
		s.Log(stream.LevelError, "no resolver defined to resolve "+p.Host, nil)
		return s.Finish(stream.StatusInternal)
	}
	if known, ok := names.Resolver.Cached(p.Host); ok {
		return c.begin(s, p.group(known.Addrs))
	}
	asked := &question{names.Resolver.Query(p.Host), p}
	runs.Set(s, &run{Content: c, asked: asked})
	step := stream.Step{Do: stream.Resolve, Lookup: asked.Query, Max: c.ahead(s)}
	if names.Timeout > 0 {
		step.Deadline = s.Env.Now().Add(names.Timeout)
	}
	return step
}

// resolved continues after a step Resolve. It follows ngx_stream_proxy_resolve_handler.
func (r *run) resolved(s *stream.Session, ev stream.Event) stream.Step {
	asked := r.asked
	switch ev.Kind {
	case stream.Resolved:
		answer, err := asked.Answer()
		if err != nil {
			return asked.failed(s, err)
		}
		return r.begin(s, asked.place.group(answer.Addrs))
	case stream.TimedOut:
		return asked.failed(s, resolver.ErrTimedOut)
	case stream.Bytes:
		r.clientSent(s, len(ev.Data))
	case stream.EOF:
		return r.clientEnded(s)
	case stream.Failed:
		return r.clientFailed(s, ev)
	case stream.Aborted:
		s.Log(stream.LevelInfo, "shutdown timeout", nil)
		s.SetEnding(stream.Shutdown)
		return s.Finish(stream.StatusOK)
	}
	return stream.Step{}
}

func (q *question) failed(s *stream.Session, err error) stream.Step {
	s.SetEnding(stream.ResolveFailed)
	s.Log(stream.LevelError, strings.TrimSuffix(q.place.Host, ".")+" could not be resolved ("+err.Error()+")", nil)
	return s.Finish(stream.StatusInternal)
}

// An Endpoint is a destination outside the configured groups: a literal address, or a name to look
// up.
type Endpoint struct {
	Text string      // the value of proxy_pass
	Addr stream.Addr // if Host is empty
	Host string
	Port uint16 // of Host
}

// group returns a group of those addresses, as one server each, for one session only.
func (p Endpoint) group(ips []netip.Addr) *upstream.Group {
	peers := make([]*upstream.PeerConf, len(ips))
	for i, ip := range ips {
		peers[i] = p.peer(stream.Addr{IP: netip.AddrPortFrom(ip, p.Port)})
	}
	return upstream.NewGroup(p.Text, peers, upstream.RoundRobin)
}

// single returns the group of the literal address.
func (p Endpoint) single() *upstream.Group {
	return upstream.NewGroup(p.Text, []*upstream.PeerConf{p.peer(p.Addr)}, upstream.RoundRobin)
}

func (p Endpoint) peer(addr stream.Addr) *upstream.PeerConf {
	return &upstream.PeerConf{Server: p.Text, Name: addr.String(), Addr: addr, Weight: 1, MaxFails: 1, FailTimeout: DefaultFailTimeout}
}
