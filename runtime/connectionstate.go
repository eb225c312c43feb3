package runtime

import (
	"slices"
	"sync"

	"weir/runtime/api"
	"weir/stream/status"
	"weir/web"
)

// connectionResets contains the values of counters at the last resets by the API. Each object is reset by
// itself: those of the process and of a worker count the same connections.
type connectionResets struct {
	mu          sync.Mutex
	connections api.Connections
	requests    uint64
	workers     map[int]api.Worker
}

// connectionsNow returns the counters of all connections: of sessions, and of http.
func (s *state) connectionsNow() api.Connections {
	return s.withWeb(connectionsOf(s.m.env.Status.Connections.Snapshot()))
}

func connectionsOf(c status.ConnectionsSnapshot) api.Connections {
	return api.Connections{Accepted: uint64(c.Accepted), Dropped: uint64(c.Dropped), Active: uint64(max(c.Active, 0))}
}

// withWeb adds the connections of http.
func (s *state) withWeb(c api.Connections) api.Connections {
	accepted, handled := s.web.Accepted.Load(), s.web.Handled.Load()
	c.Accepted += uint64(accepted)
	c.Dropped += uint64(max(accepted-handled, 0))
	c.Active += uint64(max(s.web.Active.Load(), 0))
	c.Idle += uint64(s.web.Idle())
	return c
}

// Connections implements api.Source. A session is never idle.
func (s *state) Connections() api.Connections {
	s.mu.Lock()
	defer s.mu.Unlock()
	return since(s.connectionsNow(), s.connections)
}

// since returns the counters since the values before. Numbers of open connections stay.
func since(now, before api.Connections) api.Connections {
	now.Accepted -= before.Accepted
	now.Dropped -= before.Dropped
	return now
}

// ResetConnections implements api.Source.
func (s *state) ResetConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connections = s.connectionsNow()
}

// requestsNow returns the counters of all requests.
func (s *state) requestsNow() api.Requests {
	return api.Requests{Total: uint64(s.web.Requests.Load()), Current: uint64(max(s.web.Current.Load(), 0))}
}

// Requests implements api.Source.
func (s *state) Requests() api.Requests {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requestsNow()
	r.Total -= s.requests
	return r
}

// ResetRequests implements api.Source.
func (s *state) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = s.requestsNow().Total
}

// loops returns the number of event loops.
func (s *state) loops() int {
	if g := s.m.current.Load(); g != nil {
		return max(g.loops, 1)
	}
	return 1
}

// workersNow returns the counters of the event loops, also of those that end after their last sessions. Http
// has no loop of its own: its connections and requests count for the first.
func (s *state) workersNow() []api.Worker {
	workers := make([]api.Worker, max(s.loops(), s.m.env.Status.Connections.Loops()))
	for i := range workers {
		workers[i] = api.Worker{ID: i, PID: s.m.env.PID, Connections: connectionsOf(s.m.env.Status.Connections.SnapshotOf(uint8(i)))}
	}
	workers[0].Connections, workers[0].Requests = s.withWeb(workers[0].Connections), s.requestsNow()
	return workers
}

// Workers implements api.Source.
func (s *state) Workers() []api.Worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	workers := s.workersNow()
	for i := range workers {
		before := s.workers[i]
		workers[i].Connections = since(workers[i].Connections, before.Connections)
		workers[i].Requests.Total -= before.Requests.Total
	}
	return workers
}

// ResetWorker implements api.Source.
func (s *state) ResetWorker(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.workers == nil {
		s.workers = map[int]api.Worker{}
	}
	if now := s.workersNow(); id < len(now) { // a loop may have ended
		s.workers[id] = now[id]
	}
}

// webConfig returns the current http block.
func (s *state) webConfig() *web.Config {
	if g := s.m.current.Load(); g != nil && g.Program.Web != nil {
		return g.Program.Web
	}
	return web.NewConfig()
}

// HTTPZones implements api.Source.
func (s *state) HTTPZones() api.Set[api.HTTPZone] {
	zones := s.webConfig().Zones
	return newSet(zones.Servers, func(name string) string { return name }, func(name string) *api.HTTPZone {
		z := httpZoneOf(s.web.Servers.Get(name).Snapshot())
		if slices.Contains(zones.TLS, name) {
			z.SSL = sslOf(s.handshakes.get(name).Snapshot())
		}
		return z
	}, func(name string) {
		s.web.Servers.Get(name).Reset()
		s.handshakes.get(name).Reset()
	})
}

// LocationZones implements api.Source.
func (s *state) LocationZones() api.Set[api.HTTPZone] {
	table := &s.web.Locations
	return newSet(s.webConfig().Zones.Locations, func(name string) string { return name },
		func(name string) *api.HTTPZone { return httpZoneOf(table.Get(name).Snapshot()) }, func(name string) { table.Get(name).Reset() })
}

func httpZoneOf(z web.ZoneSnapshot) *api.HTTPZone {
	shown := &api.HTTPZone{
		Processing: uint64(max(z.Processing, 0)), Requests: uint64(z.Requests), Discarded: uint64(z.Discarded),
		Received: uint64(z.Received), Sent: uint64(z.Sent),
	}
	for i, n := range z.Classes {
		shown.Classes[i] = uint64(n)
	}
	for _, c := range z.Codes {
		shown.Codes = append(shown.Codes, api.Code{Status: c.Status, Count: uint64(c.Count)})
	}
	return shown
}
