package runtime

import (
	"math"
	goruntime "runtime"
	"slices"
	"strings"
	"time"

	"weir/runtime/api"
	"weir/runtime/metrics"
	"weir/stream"
	"weir/stream/upstream"
)

// Reloads implements api.Own.
func (s *state) Reloads() api.Reloads {
	last, served, failed := s.m.history.reloads()
	all := api.Reloads{Served: served, Failed: failed}
	for _, r := range last {
		all.Last = append(all.Last, api.Reload(r))
	}
	return all
}

// keyedGroups returns the groups of the current configuration that choose by the hash of a key, with the
// key, ordered by name.
func (s *state) keyedGroups() []*upstream.Group {
	var groups []*upstream.Group
	for _, p := range s.config().Parts {
		if group, ok := p.(*upstream.Group); ok {
			if _, keyed := group.HashKey(); keyed {
				groups = append(groups, group)
			}
		}
	}
	slices.SortFunc(groups, func(a, b *upstream.Group) int { return strings.Compare(a.Name, b.Name) })
	return groups
}

// MQTT implements api.Own.
func (s *state) MQTT() []api.MQTTZone {
	var zones []api.MQTTZone
	for _, z := range s.config().Status.Servers {
		if m := z.MQTT(); m != nil {
			zones = append(zones, api.MQTTZone{Name: z.Name, Counts: m.Snapshot()})
		}
	}
	slices.SortFunc(zones, func(a, b api.MQTTZone) int { return strings.Compare(a.Name, b.Name) })
	return zones
}

// Rings implements api.Own.
func (s *state) Rings() []api.Ring {
	var rings []api.Ring
	for _, g := range s.keyedGroups() {
		r := api.Ring{Upstream: g.Name}
		r.Key, _ = g.HashKey()
		shares := g.Shares()
		for _, p := range g.Peers() {
			if share, primary := shares[p.ID]; primary {
				r.Shares = append(r.Shares, api.Share{ID: p.ID, Server: p.Name, Share: share})
			}
		}
		rings = append(rings, r)
	}
	return rings
}

// Routes implements api.Own.
func (s *state) Routes(key string) []api.Route {
	var routes []api.Route
	for _, g := range s.keyedGroups() {
		r := api.Route{Upstream: g.Name}
		r.Key, _ = g.HashKey()
		if p := g.Route(key, time.Now()); p != nil {
			r.ID, r.Server = p.ID, p.Name
		}
		routes = append(routes, r)
	}
	return routes
}

// Endings implements api.Own.
func (s *state) Endings() []api.Ending {
	all := []api.Ending{}
	for _, p := range s.config().Parts {
		group, ok := p.(*upstream.Group)
		if !ok {
			continue
		}
		for _, l := range group.Leavings() {
			e := api.Ending{Upstream: group.Name, Server: l.Server, Reason: l.Why.String(), Sessions: l.Sessions, Rate: l.PerSecond}
			if l.ID >= 0 {
				e.ID = &l.ID
			}
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b api.Ending) int { return strings.Compare(a.Upstream, b.Upstream) })
	if n := s.m.expiredSessions(); n > 0 {
		all = append(all, api.Ending{Reason: stream.Shutdown.String(), Sessions: int(n), Rate: s.config().CloseBudget.PerSecond()})
	}
	return all
}

// Runtime implements metrics.Source.
func (s *state) Runtime() metrics.Runtime {
	open, limit := s.m.env.Descriptors.Usage()
	if limit == math.MaxInt64 {
		limit = 0
	}
	return metrics.Runtime{
		Version: Version, GoVersion: goruntime.Version(), Started: s.started, Loops: s.loops(), OldSessions: uint64(s.m.oldSessions()),
		OpenDescriptors: uint64(open), DescriptorsLimit: uint64(limit),
	}
}
