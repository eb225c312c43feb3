package api

import (
	"strconv"
	"time"

	"weir/directives/conf"
	"weir/internal/mqtt"
)

// An Own provides the objects that NGINX Plus does not have. They are below the path element weir, beside
// the versions, so that no path of the API of NGINX Plus changes its meaning. It is safe for concurrent use.
type Own interface {
	// Reloads returns the outcome of the last reloads.
	Reloads() Reloads
	// MQTT returns the counters of the zones that have seen MQTT clients, ordered by name.
	MQTT() []MQTTZone
	// Rings returns the shares of the servers in the groups that choose by the hash of a key.
	Rings() []Ring
	// Routes returns the server that a new session with the key gets in each of these groups.
	Routes(key string) []Route
	// Endings returns the endings of sessions that the operator has caused and that are not complete.
	Endings() []Ending
}

// Reloads is the history of the configuration.
type Reloads struct {
	Last           []Reload // oldest first
	Served, Failed uint64   // since the start
}

// LastServed reports whether the last attempt succeeded.
func (r *Reloads) LastServed() bool {
	return len(r.Last) > 0 && r.Last[len(r.Last)-1].Err == ""
}

// A Reload is one attempt to load a configuration.
type Reload struct {
	Generation uint64 // 0 if it was refused
	Time       time.Time
	Took       time.Duration
	Err        string // empty if it serves
}

// An MQTTZone counts the MQTT packets of the sessions of a zone.
type MQTTZone struct {
	Name string
	*mqtt.Counts
}

// A Ring is the shares of the servers of a group.
type Ring struct {
	Upstream string
	Key      string // as configured
	Shares   []Share
}

// A Share is the share of all keys that belongs to a server.
type Share struct {
	ID     int
	Server string
	Share  float64 // from 0 to 1
}

// A Route is the server of a key.
type Route struct {
	Upstream string
	Key      string // as configured
	ID       int
	Server   string // empty if round robin decides, because the key is empty or servers are out of use
}

// An Ending is the end of the sessions of a server that is drained or has left its group, or of the
// configurations before the present one.
type Ending struct {
	Upstream string // empty for configurations
	ID       *int   // nil if the server has left the group
	Server   string
	Reason   string // a value of $fleet_end
	Sessions int    // that are left
	Rate     int    // sessions that weir ends per second; 0 if they end by themselves, or at once
}

// ownName is the first path element of the tree.
const ownName = "weir"

var ownRoot = lists(&node{children: []*node{
	{name: "reloads", get: getReloads},
	{name: "mqtt", get: getMQTT},
	{name: "rings", get: getRings},
	{name: "route", get: getRoutes},
	{name: "endings", get: getEndings},
	{name: "upstreams", children: []*node{{children: []*node{{name: "servers", children: []*node{{patch: patchDrain}}}}}}},
}})

func getReloads(c *call) error {
	encodeList(&c.out, reloadObject, c.own.Reloads().Last, c.fields)
	return nil
}

var reloadObject = object[Reload]{
	number("generation", func(r *Reload) uint64 { return r.Generation }),
	moment("time", millisFormat, func(r *Reload) time.Time { return r.Time }),
	number("took", func(r *Reload) int64 { return r.Took.Milliseconds() }),
	flag("ok", func(r *Reload) bool { return r.Err == "" }),
	optionalText("message", func(r *Reload) string { return r.Err }),
}

func getMQTT(c *call) error {
	encodeByName(c, c.own.MQTT(), func(z *MQTTZone) string { return z.Name }, mqttObject)
	return nil
}

var mqttObject = object[MQTTZone]{
	numbers("connect", func(z *MQTTZone, add func(string, uint64)) {
		for _, v := range z.Versions() {
			add(v.Name, v.Count)
		}
	}),
	number("malformed", func(z *MQTTZone) uint64 { return z.Malformed }),
	number("without_client_id", func(z *MQTTZone) uint64 { return z.WithoutClientID }),
	numbers("connack", func(z *MQTTZone, add func(string, uint64)) {
		for _, a := range z.Connacks {
			add(strconv.Itoa(int(a.Code)), a.Count)
		}
	}),
}

// getRings answers with the shares by server ID, in millionths, because the API has only integers.
func getRings(c *call) error {
	encodeByName(c, c.own.Rings(), func(r *Ring) string { return r.Upstream }, ringObject)
	return nil
}

var ringObject = object[Ring]{
	text("key", func(r *Ring) string { return r.Key }),
	numbers("shares", func(r *Ring, add func(string, uint64)) {
		for _, s := range r.Shares {
			add(strconv.Itoa(s.ID), uint64(s.Share*1e6+0.5))
		}
	}),
}

// getRoutes answers which server the key of the argument key gets in each group.
func getRoutes(c *call) error {
	key, _ := argument(c.request.URL.RawQuery, "key")
	encodeByName(c, c.own.Routes(key), func(r *Route) string { return r.Upstream }, routeObject)
	return nil
}

var routeObject = object[Route]{
	text("key", func(r *Route) string { return r.Key }),
	number("id", func(r *Route) int { return r.ID }).when(found),
	text("server", func(r *Route) string { return r.Server }).when(found),
}

func found(r *Route) bool { return r.Server != "" }

func getEndings(c *call) error {
	encodeList(&c.out, endingObject, c.own.Endings(), c.fields)
	return nil
}

var endingObject = object[Ending]{
	optionalText("upstream", func(e *Ending) string { return e.Upstream }),
	number("id", func(e *Ending) int { return *e.ID }).when(func(e *Ending) bool { return e.ID != nil }),
	optionalText("server", func(e *Ending) string { return e.Server }),
	text("reason", func(e *Ending) string { return e.Reason }),
	number("sessions", func(e *Ending) int { return e.Sessions }),
	number("rate", func(e *Ending) int { return e.Rate }),
}

// drainParameters are the members of a request that drains a server.
var drainParameters = map[string]parameter{
	"drain": parameters["drain"],
	"rate":  {set: rateParameter},
}

// rateParameter sets the rate at which sessions end.
func rateParameter(c *ServerChange, name string, value any) *Error {
	set := numberParameter("UpstreamBadDrainRate", 1, func(c *ServerChange) **int { return &c.DrainRate })
	if err := set(c, name, value); err != nil {
		return err
	}
	if *c.DrainRate > conf.MaxRate {
		return BadRequest("UpstreamBadDrainRate", "invalid \"%s\"", name)
	}
	return nil
}

// patchDrain drains a server, or puts it into use again. It answers as the request of NGINX Plus.
func patchDrain(c *call) error {
	change, bad := parseMembers(c.body, c.version, drainParameters, false)
	switch {
	case bad != nil:
		return bad
	case change.Drain == nil:
		return badFormat("missing \"drain\" argument")
	case change.DrainRate != nil && !*change.Drain:
		return badFormat("\"rate\" requires \"drain\"")
	}
	return streamServers.change(c, change)
}

var streamServers = &upstreamNode{groups: streamUpstreams{}}

// encodeByName writes an object with a member for each of all.
func encodeByName[T any](c *call, all []T, name func(*T) string, o object[T]) {
	c.out.open('{')
	for i := range all {
		c.out.key(name(&all[i]))
		o.encode(&c.out, &all[i], c.fields)
	}
	c.out.close('}')
}
