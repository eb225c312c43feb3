package directives

import (
	"context"

	"weir/directives/conf"
	"weir/stream"
	"weir/stream/modules/mqttfilter"
	"weir/stream/modules/proxy"
	"weir/stream/status"
)

// statusZoneConf holds the status_zone of a server.
type statusZoneConf struct {
	zone conf.Opt[string]
}

// statusZoneModule is the part of ngx_http_api_module for stream servers: status_zone names the
// zone in which the API counts the sessions of a server.
var statusZoneModule = &streamModule[none, statusZoneConf]{
	Name: "ngx_stream_api_module",
	Server: []conf.Entry[statusZoneConf]{
		{Name: "status_zone", In: conf.Server, Args: conf.Take(1),
			Set: conf.String(func(c *statusZoneConf) *conf.Opt[string] { return &c.zone })},
	},
	Build: (*statusZoneConf).build,
}

func (c *statusZoneConf) build(s *serverBuild) {
	name, ok := c.zone.Get()
	if !ok {
		return
	}
	zones := &s.config.Status
	known := len(zones.Servers)
	s.server.Zone = zones.Server(name)
	if len(zones.Servers) > known {
		s.addPart(zonePart[*status.ServerZone]{s.server.Zone, "status_zone " + name})
	}
	countMQTT(s)
}

// countMQTT makes the zone of the server count MQTT packets, if the server reads the CONNECT of its
// clients. The first bytes of brokers are then reported to the session.
func countMQTT(s *serverBuild) {
	prereads := conf.At[mqttPrereadConf](s.level).on.Or(false)
	filter, filters := s.server.Filter.(*mqttfilter.Filter)
	if !prereads && !filters {
		return
	}
	s.server.Zone.CountMQTT()
	if filters {
		filter.Counts = !prereads
	}
	if c, ok := s.server.Content.(*proxy.Content); ok {
		c.Relay.FirstByte = true
	}
}

// A zonePart is the counters of a zone as a part of the configuration. It continues the counters of the
// previous configuration.
type zonePart[Z interface{ Follow(old Z) }] struct {
	counters Z
	key      string
}

// Key distinguishes the zone from others.
func (p zonePart[Z]) Key() string { return p.key }

// Open continues the counters of old.
func (p zonePart[Z]) Open(_ context.Context, _ *stream.Env, old stream.Part) error {
	if old, ok := old.(zonePart[Z]); ok {
		p.counters.Follow(old.counters)
	}
	return nil
}

// Close does nothing: a zone is only memory.
func (p zonePart[Z]) Close() error { return nil }
