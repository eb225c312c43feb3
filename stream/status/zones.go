package status

import (
	"weir/internal/resolver"
	"weir/internal/zone"
)

// Zones are what one configuration counts, in the order of the configuration. The counters of a
// configuration that is not open yet are not those of its predecessor.
type Zones struct {
	Servers    []*ServerZone
	LimitConns []*LimitConn
	Resolvers  []*resolver.Counters
	Slabs      []Slab
}

// A Slab is the space of a zone that nginx has in shared memory. Its functions must not be called
// before the configuration is open.
type Slab struct {
	Name    string
	Figures func() zone.Figures
	Reset   func()
}

// Server returns the zone of that name, and adds it if there is none.
func (z *Zones) Server(name string) *ServerZone {
	for _, s := range z.Servers {
		if s.Name == name {
			return s
		}
	}
	s := NewServerZone(name)
	z.Servers = append(z.Servers, s)
	return s
}

// Resolver returns the zone of that name, and adds it if there is none.
func (z *Zones) Resolver(name string) *resolver.Counters {
	for _, r := range z.Resolvers {
		if r.Name == name {
			return r
		}
	}
	r := resolver.NewCounters(name)
	z.Resolvers = append(z.Resolvers, r)
	return r
}
