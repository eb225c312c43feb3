package api_test

import (
	"maps"
	"slices"
	"sync"
	"time"

	"weir/internal/keyval"
	"weir/runtime/api"
)

// A fakeSource is a Source of fixed objects. Resets are recorded.
type fakeSource struct {
	fixed    error // refuses changes; may be nil
	noStream bool
	noSync   bool
	process  api.Process
	empty    bool // all sets
	groups   map[string]*fakeGroup
	keyvals  map[string]*keyval.Store

	mu     sync.Mutex
	resets []string
}

var start = time.Date(2026, 11, 29, 18, 0, 0, 7_000_000, time.FixedZone("", 3600))

// newFakeSource returns a source with an object of each kind.
func newFakeSource() *fakeSource {
	return &fakeSource{
		process: api.Process{
			Version: "1.31.5", Build: "weir-0.1.0-r37", Generation: 3, Loaded: start, Now: start.Add(90 * time.Second), PID: 4711, PPID: 1,
		},
		groups: map[string]*fakeGroup{
			"mqtt":  {servers: []api.GroupServer{newServer(0, "127.0.0.1:1883"), newServer(1, "127.0.0.2:1883")}, next: 2},
			"empty": {},
		},
		keyvals: map[string]*keyval.Store{
			"one": newStore(keyval.Pair{Key: "a", Value: "1"}, keyval.Pair{Key: "b", Value: "zwei ü <&>"}), "two": newStore(),
		},
	}
}

// newStore returns a zone with a timeout.
func newStore(pairs ...keyval.Pair) *keyval.Store {
	s := keyval.New(keyval.Options{Size: 1 << 20, Timeout: time.Hour, Now: func() time.Time { return start }})
	if err := s.Add(pairs...); len(pairs) > 0 && err != nil {
		panic(err)
	}
	return s
}

func newServer(id int, address string) api.GroupServer {
	return api.GroupServer{ID: id, Address: address, Weight: 1, MaxFails: 1, FailTimeout: "10s", SlowStart: "0s"}
}

func (s *fakeSource) Process() api.Process { return s.process }

func (s *fakeSource) Change(change func() error) error {
	if s.fixed != nil {
		return s.fixed
	}
	return change()
}
func (s *fakeSource) HasStream() bool { return !s.noStream }

func (s *fakeSource) License() api.License {
	return api.License{
		ActiveTill: time.Unix(4102444800, 0), Healthy: true, Grace: 180 * 24 * time.Hour, UUID: "13754cba-29fb-53e5-a32e-a6cf57c84b01",
	}
}

func (s *fakeSource) ZoneSync() *api.ZoneSync {
	if s.noSync {
		return nil
	}
	return &api.ZoneSync{NodesOnline: 1, MsgsIn: 2, MsgsOut: 3, BytesIn: 4, BytesOut: 5, Zones: []api.SyncZone{{"one", 6, 7}}}
}

func (s *fakeSource) Respawned() uint64 { return 0 }
func (s *fakeSource) Connections() api.Connections {
	return api.Connections{Accepted: 10, Dropped: 1, Active: 2, Idle: 3}
}
func (s *fakeSource) SSL() api.SSL           { return *testSSL() }
func (s *fakeSource) Requests() api.Requests { return api.Requests{Total: 12, Current: 1} }

func (s *fakeSource) Workers() []api.Worker {
	return []api.Worker{{ID: 0, PID: 4711, Connections: s.Connections(), Requests: s.Requests()}, {ID: 1, PID: 4711}}
}

func (s *fakeSource) ResetRespawned()   { s.record("processes") }
func (s *fakeSource) ResetConnections() { s.record("connections") }
func (s *fakeSource) ResetSSL()         { s.record("ssl") }
func (s *fakeSource) ResetRequests()    { s.record("requests") }
func (s *fakeSource) ResetWorker(id int) {
	s.record("worker " + string(rune('0'+id)))
}

func (s *fakeSource) record(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resets = append(s.resets, what)
}

func testSSL() *api.SSL {
	return &api.SSL{
		Handshakes: 1, SessionReuses: 2, HandshakesFailed: 3, NoCommonProtocol: 4, NoCommonCipher: 5, HandshakeTimeout: 6, PeerRejectedCert: 7,
		VerifyFailures: api.VerifyFailures{NoCert: 8, ExpiredCert: 9, RevokedCert: 10, HostnameMismatch: 11, Other: 12},
	}
}

// A fakeSet is a Set with objects of fixed names.
type fakeSet[T any] struct {
	source *fakeSource
	kind   string
	all    map[string]*T
}

func (f fakeSet[T]) Names() []string {
	if f.source.empty {
		return nil
	}
	return slices.Sorted(maps.Keys(f.all))
}

func (f fakeSet[T]) Get(name string) *T {
	if f.source.empty {
		return nil
	}
	return f.all[name]
}

func (f fakeSet[T]) Reset(name string) bool {
	if f.Get(name) == nil {
		return false
	}
	f.source.record(f.kind + " " + name)
	return true
}

func (s *fakeSource) Slabs() api.Set[api.Slab] {
	return fakeSet[api.Slab]{s, "slab", map[string]*api.Slab{
		"mqtt": {Used: 2, Free: 13, Slots: []api.Slot{{8, 1, 2, 3, 4}, {2048, 5, 6, 7, 8}}},
	}}
}

func (s *fakeSource) Resolvers() api.Set[api.Resolver] {
	return fakeSet[api.Resolver]{s, "resolver", map[string]*api.Resolver{"dns": {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}}
}

func testHTTPZone() *api.HTTPZone {
	return &api.HTTPZone{
		Processing: 1, Requests: 7, Classes: [5]uint64{0, 4, 0, 2, 0}, Codes: []api.Code{{200, 4}, {404, 2}}, Received: 100, Sent: 200, SSL: testSSL(),
	}
}

func (s *fakeSource) HTTPZones() api.Set[api.HTTPZone] {
	return fakeSet[api.HTTPZone]{s, "http zone", map[string]*api.HTTPZone{"web": testHTTPZone()}}
}

func (s *fakeSource) LocationZones() api.Set[api.HTTPZone] {
	return fakeSet[api.HTTPZone]{s, "location zone", map[string]*api.HTTPZone{"api": testHTTPZone()}}
}

func (s *fakeSource) StreamZones() api.Set[api.StreamZone] {
	sessions := api.Sessions{Class2: 5, Class4: 1, Class5: 2, Total: 8}
	return fakeSet[api.StreamZone]{s, "stream zone", map[string]*api.StreamZone{
		"plain":     {Processing: 1, Connections: 9, Sessions: sessions, Discarded: 1, Received: 1000, Sent: 2000},
		"tls":       {SSL: testSSL()},
		"ü \"q\"/%": {},
	}}
}

func (s *fakeSource) LimitConns() api.Set[api.LimitConn] {
	return fakeSet[api.LimitConn]{s, "limit_conn", map[string]*api.LimitConn{"addr": {5, 6, 7}}}
}

func (s *fakeSource) UpstreamNames() []string {
	if s.empty {
		return nil
	}
	return slices.Sorted(maps.Keys(s.groups))
}

func (s *fakeSource) Upstream(name string) (api.Upstream, error) {
	switch g := s.groups[name]; {
	case g != nil:
		return g, nil
	case name == "static":
		return nil, api.ErrUpstreamStatic
	}
	return nil, api.ErrUpstreamNotFound
}

func (s *fakeSource) KeyvalNames() []string {
	if s.empty {
		return nil
	}
	return slices.Sorted(maps.Keys(s.keyvals))
}

func (s *fakeSource) Keyval(name string) api.Keyval {
	if z := s.keyvals[name]; z != nil {
		return z
	}
	return nil
}

// A fakeGroup is a group that stores changes without checking them.
type fakeGroup struct {
	servers []api.GroupServer
	next    int
	resets  int
	rate    int // at which a drained server ends its sessions
}

func (g *fakeGroup) Stats() *api.Group {
	all := &api.Group{Zone: "mqtt", Zombies: 1}
	for _, s := range g.servers {
		all.Peers = append(all.Peers, api.Peer{ID: s.ID, Server: s.Address, Name: s.Address, Weight: s.Weight, State: "up"})
	}
	if len(all.Peers) > 0 {
		passed := true
		all.Peers[0] = api.Peer{
			ID: 0, Server: "127.0.0.1:1883", Service: "mqtt", Name: "broker.example:1883", Backup: true, Weight: 5, State: "unhealthy", Active: 1,
			SSL: testSSL(), MaxConns: 100, Connections: 50, ConnectTime: api.Millis{Measured: true, Value: 3},
			FirstByteTime: api.Millis{Measured: true}, ResponseTime: api.Millis{Measured: true, Value: 5}, Sent: 6, Received: 7, Fails: 8, Unavail: 9,
			Health:   api.Health{Checks: 10, Fails: 11, Unhealthy: 12, LastPassed: &passed},
			Downtime: 1500 * time.Millisecond, Downstart: start, Selected: start,
		}
	}
	return all
}

func (g *fakeGroup) Reset()                     { g.resets++ }
func (g *fakeGroup) Servers() []api.GroupServer { return g.servers }

func (g *fakeGroup) Add(c api.ServerChange) (api.GroupServer, error) {
	for _, s := range g.servers {
		if s.Address == *c.Address {
			return s, api.ErrEntryExists
		}
	}
	s := newServer(g.next, "")
	g.next++
	apply(c, &s)
	g.servers = append(g.servers, s)
	return s, nil
}

func (g *fakeGroup) Change(id int, c api.ServerChange) (api.GroupServer, error) {
	i := slices.IndexFunc(g.servers, func(s api.GroupServer) bool { return s.ID == id })
	if i < 0 {
		return api.GroupServer{}, api.ServerNotFound(id)
	}
	apply(c, &g.servers[i])
	if c.DrainRate != nil {
		g.rate = *c.DrainRate
	}
	return g.servers[i], nil
}

func (g *fakeGroup) Remove(id int) error {
	i := slices.IndexFunc(g.servers, func(s api.GroupServer) bool { return s.ID == id })
	if i < 0 {
		return api.ServerNotFound(id)
	}
	g.servers = slices.Delete(g.servers, i, i+1)
	return nil
}

// apply sets the given members of a server.
func apply(c api.ServerChange, s *api.GroupServer) {
	set(c.Address, &s.Address)
	set(c.Service, &s.Service)
	set(c.Weight, &s.Weight)
	set(c.MaxConns, &s.MaxConns)
	set(c.MaxFails, &s.MaxFails)
	set(c.FailTimeout, &s.FailTimeout)
	set(c.SlowStart, &s.SlowStart)
	set(c.Backup, &s.Backup)
	set(c.Down, &s.Down)
	set(c.Drain, &s.Drain)
}

func set[T any](from, to *T) {
	if from != nil {
		*to = *from
	}
}
