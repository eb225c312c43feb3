package api

import (
	"net/http"
	"slices"
	"strconv"
)

// A node is an endpoint or a part of the path of one.
type node struct {
	name     string // of the path element; empty for the name of an object
	since    int    // version; 0 means all
	exists   func(Source) bool
	missing  *Error // of versions before errorObjectSince, if the node does not exist
	children []*node

	get, post, patch, remove func(*call) error
}

// handler returns the function for a method, or nil.
func (n *node) handler(method string) func(*call) error {
	switch method {
	case http.MethodGet, http.MethodHead:
		return n.get
	case http.MethodPost:
		return n.post
	case http.MethodPatch:
		return n.patch
	case http.MethodDelete:
		return n.remove
	}
	return nil
}

// find returns the node of a path in a tree and collects the names of objects.
func (c *call) find(n *node, elements []string) (*node, error) {
	for _, element := range elements {
		next := n.child(element, c.version)
		if next == nil {
			return nil, errPathNotFound
		}
		if next.name == "" {
			c.names = append(c.names, element)
		}
		if next.exists != nil && !next.exists(c.source) {
			return nil, next.absence(c.version)
		}
		n = next
	}
	return n, nil
}

// child returns the child for a path element, or nil.
func (n *node) child(element string, version int) *node {
	for _, k := range n.children {
		if (k.name == element || k.name == "") && version >= k.since {
			return k
		}
	}
	return nil
}

// absence returns the error for a node that does not exist with this configuration.
func (n *node) absence(version int) *Error {
	if version < errorObjectSince {
		return n.missing
	}
	return errPathNotFound
}

// lists makes n list its children.
func lists(n *node) *node {
	n.get = func(c *call) error {
		var names []string
		for _, k := range n.children {
			if c.version >= k.since && (k.exists == nil || k.exists(c.source)) {
				names = append(names, k.name)
			}
		}
		c.out.strings(names)
		return nil
	}
	return n
}

var root = lists(&node{children: []*node{
	{name: "nginx", get: getNginx},
	single("processes", 0, processesObject, Source.Respawned, Source.ResetRespawned),
	single("connections", 0, connectionsObject, Source.Connections, Source.ResetConnections),
	collection("slabs", 0, slabObject, Source.Slabs, errSlabNotFound),
	lists(&node{name: "http", children: []*node{
		single("requests", 0, requestsObject, Source.Requests, Source.ResetRequests),
		collection("server_zones", 0, httpZoneObject, Source.HTTPZones, errZoneNotFound),
		collection("location_zones", 5, locationZoneObject, Source.LocationZones, errLocationZoneNotFound),
		collection("caches", 0, object[nothing]{}, noObjects, errCacheNotFound),
		collection("limit_conns", 6, limitConnObject, noLimitConns, errLimitConnNotFound),
		collection("limit_reqs", 6, object[nothing]{}, noObjects, errLimitReqNotFound),
		keyvals(0, noKeyvals{}),
		upstreams(noUpstreams{}),
	}}),
	lists(&node{name: "stream", exists: Source.HasStream, missing: errStreamNotConfigured, children: []*node{
		collection("server_zones", 0, streamZoneObject, Source.StreamZones, errZoneNotFound),
		collection("limit_conns", 6, limitConnObject, Source.LimitConns, errLimitConnNotFound),
		keyvals(2, streamKeyvals{}),
		{name: "zone_sync", since: 3, exists: syncs, missing: errSyncNotConfigured, get: getZoneSync},
		upstreams(streamUpstreams{}),
	}}),
	collection("resolvers", 5, resolverObject, Source.Resolvers, errResolverZoneNotFound),
	single("ssl", 0, processSSL, Source.SSL, Source.ResetSSL),
	{
		name: "workers", since: 9, get: getWorkers, remove: resetWorkers,
		children: []*node{{get: getWorker, remove: resetWorker}},
	},
	{name: "license", since: 9, get: getLicense},
}})

func getNginx(c *call) error {
	nginxObject.encode(&c.out, &nginx{c.source.Process(), localAddress(c.request)}, c.fields)
	return nil
}

func getLicense(c *call) error {
	license := c.source.License()
	licenseObject.encode(&c.out, &license, c.fields)
	return nil
}

func syncs(s Source) bool { return s.ZoneSync() != nil }

func getZoneSync(c *call) error {
	if z := c.source.ZoneSync(); z != nil {
		zoneSyncObject.encode(&c.out, z, c.fields)
		return nil
	}
	return errPathNotFound
}

// single makes the node of an object that exists once.
func single[T any](name string, since int, o object[T], get func(Source) T, reset func(Source)) *node {
	return &node{
		name: name, since: since,
		get: func(c *call) error {
			v := get(c.source)
			o.encode(&c.out, &v, c.fields)
			return nil
		},
		remove: func(c *call) error {
			reset(c.source)
			c.status = http.StatusNoContent
			return nil
		},
	}
}

// collection makes the node of a set of objects.
func collection[T any](name string, since int, o object[T], set func(Source) Set[T], missing *Error) *node {
	one := &node{
		get: func(c *call) error {
			v := set(c.source).Get(c.names[0])
			if v == nil {
				return missing
			}
			o.encode(&c.out, v, c.fields)
			return nil
		},
		remove: func(c *call) error {
			if !set(c.source).Reset(c.names[0]) {
				return missing
			}
			c.status = http.StatusNoContent
			return nil
		},
	}
	return &node{name: name, since: since, children: []*node{one}, get: func(c *call) error {
		objects := set(c.source)
		c.encodeNamed(objects.Names(), func(name string) {
			if v := objects.Get(name); v != nil {
				c.out.key(name)
				o.encode(&c.out, v, c.fields)
			}
		})
		return nil
	}}
}

// encodeNamed writes a collection. encode writes one object with its name, or nothing if it has gone.
func (c *call) encodeNamed(names []string, encode func(name string)) {
	c.out.open('{')
	for _, name := range names {
		if c.fields.onlyNames() {
			c.out.key(name)
			c.out.buf = append(c.out.buf, "{}"...)
			continue
		}
		encode(name)
	}
	c.out.close('}')
}

// nothing is the object of a collection that is always empty.
type nothing struct{}

// emptySet is a set without objects.
type emptySet[T any] struct{}

func (emptySet[T]) Names() []string   { return nil }
func (emptySet[T]) Get(string) *T     { return nil }
func (emptySet[T]) Reset(string) bool { return false }

func noObjects(Source) Set[nothing] { return emptySet[nothing]{} }

func noLimitConns(Source) Set[LimitConn] { return emptySet[LimitConn]{} }

func getWorkers(c *call) error {
	encodeList(&c.out, workerObject, c.source.Workers(), c.fields)
	return nil
}

func resetWorkers(c *call) error {
	for _, w := range c.source.Workers() {
		c.source.ResetWorker(w.ID)
	}
	c.status = http.StatusNoContent
	return nil
}

func getWorker(c *call) error {
	w := c.worker()
	if w == nil {
		return errWorkerNotFound
	}
	workerObject.encode(&c.out, w, c.fields)
	return nil
}

func resetWorker(c *call) error {
	w := c.worker()
	if w == nil {
		return errWorkerNotFound
	}
	c.source.ResetWorker(w.ID)
	c.status = http.StatusNoContent
	return nil
}

// worker returns the worker that the path names, or nil.
func (c *call) worker() *Worker {
	workers := c.source.Workers()
	i := slices.IndexFunc(workers, func(w Worker) bool { return strconv.Itoa(w.ID) == c.names[0] })
	if i < 0 {
		return nil
	}
	return &workers[i]
}
