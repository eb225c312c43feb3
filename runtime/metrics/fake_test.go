package metrics_test

import (
	"time"

	"weir/internal/mqtt"
	"weir/runtime/api"
	"weir/runtime/metrics"
)

// A fakeSource is a Source of fixed objects. The methods of the API that metrics do not use panic.
type fakeSource struct{ api.Source }

var began = time.Date(2026, 11, 29, 18, 0, 0, 0, time.UTC)

func (fakeSource) Process() api.Process { return api.Process{Generation: 3} }
func (fakeSource) HasStream() bool      { return true }
func (fakeSource) License() api.License {
	return api.License{ActiveTill: time.Unix(4102444800, 0), Healthy: true}
}
func (fakeSource) Connections() api.Connections { return api.Connections{Accepted: 10, Active: 2} }
func (fakeSource) SSL() api.SSL                 { return *testSSL }
func (fakeSource) Requests() api.Requests       { return api.Requests{Total: 12, Current: 1} }
func (fakeSource) Workers() []api.Worker        { return []api.Worker{{ID: 0, PID: 7}, {ID: 1, PID: 7}} }

var testSSL = &api.SSL{Handshakes: 1, SessionReuses: 2, HandshakesFailed: 3}

// set is a Set with one object.
type set[T any] struct {
	name string
	one  T
}

func (s set[T]) Names() []string   { return []string{s.name} }
func (s set[T]) Reset(string) bool { panic("a scrape resets nothing") }

func (s set[T]) Get(name string) *T {
	if name != s.name {
		return nil
	}
	return &s.one
}

func (fakeSource) Resolvers() api.Set[api.Resolver] {
	return set[api.Resolver]{"names", api.Resolver{Name: 1, Noerror: 2, UnknownResults: 3}}
}

func (fakeSource) StreamZones() api.Set[api.StreamZone] {
	return set[api.StreamZone]{"a \"quoted\"\\\n\xff", api.StreamZone{Processing: 1, Sessions: api.Sessions{Class2: 5, Total: 5}, SSL: testSSL}}
}

func (fakeSource) HTTPZones() api.Set[api.HTTPZone] {
	return set[api.HTTPZone]{"web", api.HTTPZone{
		Processing: 1, Requests: 7, Classes: [5]uint64{0, 4, 0, 2, 0}, Codes: []api.Code{{Status: 200, Count: 4}, {Status: 404, Count: 2}}, SSL: testSSL,
	}}
}

func (fakeSource) LocationZones() api.Set[api.HTTPZone] {
	return set[api.HTTPZone]{"api", api.HTTPZone{Requests: 3}}
}

func (fakeSource) LimitConns() api.Set[api.LimitConn] {
	return set[api.LimitConn]{"addr", api.LimitConn{Passed: 5, Rejected: 6, RejectedDryRun: 7}}
}

func (fakeSource) UpstreamNames() []string { return []string{"brokers", "gone"} }

func (fakeSource) Upstream(name string) (api.Upstream, error) {
	if name == "gone" {
		return nil, api.ErrUpstreamNotFound
	}
	return group{}, nil
}

// group is a group with two peers of one address.
type group struct{ api.Upstream }

func (group) Stats() *api.Group {
	return &api.Group{Zombies: 1, Peers: []api.Peer{
		{ID: 0, Server: "127.0.0.1:1883", State: "up", Active: 2, ConnectTime: api.Millis{Measured: true, Value: 3}, SSL: testSSL},
		{ID: 4, Server: "127.0.0.1:1883", State: "unhealthy", Health: api.Health{Checks: 9, Fails: 3, Unhealthy: 1}},
	}}
}

func (fakeSource) Reloads() api.Reloads {
	return api.Reloads{Served: 2, Failed: 1, Last: []api.Reload{
		{Generation: 3, Time: began, Took: 12 * time.Millisecond}, {Time: began.Add(time.Hour), Err: "unknown directive"},
	}}
}

func (fakeSource) MQTT() []api.MQTTZone {
	return []api.MQTTZone{{
		Name: "mqtt",
		Counts: &mqtt.Counts{
			V311: 5, V5: 2, Malformed: 1, Connacks: []mqtt.CodeCount{{Code: 0, Count: 6}, {Code: 135, Count: 1}},
			ConnackTimes: mqtt.Histogram{
				Bounds: []time.Duration{time.Millisecond, time.Second}, Counts: []uint64{3, 2, 2}, Sum: 5 * time.Second,
			},
		},
	}}
}

func (fakeSource) Rings() []api.Ring {
	return []api.Ring{{Upstream: "brokers", Key: "$mqtt_preread_clientid", Shares: []api.Share{
		{ID: 0, Server: "127.0.0.1:1883", Share: 0.25}, {ID: 4, Server: "127.0.0.1:1883", Share: 0.75},
	}}}
}

func (fakeSource) Routes(string) []api.Route { panic("a scrape asks for no route") }

func (fakeSource) Endings() []api.Ending { panic("a scrape asks for no endings") }

func (fakeSource) Runtime() metrics.Runtime {
	return metrics.Runtime{
		Version: "0.1.0", GoVersion: "go1.26", Started: began, Loops: 2, OldSessions: 4, OpenDescriptors: 30, DescriptorsLimit: 1024,
	}
}
