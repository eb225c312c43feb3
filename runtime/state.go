package runtime

import (
	"crypto/sha1"
	"encoding/hex"
	"net/http"
	"os"
	"slices"
	"time"

	"weir/internal/resolver"
	"weir/runtime/api"
	"weir/stream"
	"weir/stream/status"
	"weir/stream/upstream"
	"weir/web"
)

// state is the state of a Master as the API shows it: api.Source. It takes no lock that a session waits
// for longer than one counter is copied.
type state struct {
	m   *Master
	web *web.Counters
	// handshakes are those of the server zones of http.
	handshakes handshakeTable
	uuid       string
	started    time.Time // of the process
	connectionResets
}

// newState returns the state of m, whose requests are counted by web.
func newState(m *Master, counters *web.Counters) *state {
	return &state{m: m, web: counters, started: m.env.Now(), uuid: instanceID(m.env.Hostname, m.paths.conf)}
}

// serve is the hook API of web.Env.
func (s *state) serve(w http.ResponseWriter, r *http.Request, call web.APICall) {
	server := api.Server{Source: s, Own: s}
	server.Serve(w, r, call.Path, api.Options{
		Write: call.Write, BodyLimit: call.BodyLimit, RequestID: call.RequestID, TooLarge: tooLarge,
	})
}

// tooLarge makes the server write its page.
func tooLarge(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusRequestEntityTooLarge)
}

// instanceID returns a UUID for the configuration of a machine: it stays the same through restarts.
func instanceID(parts ...string) string {
	h := sha1.New()
	for _, p := range parts {
		h.Write([]byte(p + "\n"))
	}
	id := h.Sum(nil)[:16]
	id[6], id[8] = id[6]&0x0f|0x50, id[8]&0x3f|0x80 // version 5 of RFC 9562
	text := hex.EncodeToString(id)
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// noConfig stands for the configuration of a process that serves none any more.
var noConfig = stream.NewConfig()

// config returns the current configuration.
func (s *state) config() *stream.Config {
	if g := s.m.current.Load(); g != nil {
		return g.Program.Stream
	}
	return noConfig
}

// Change implements api.Source.
func (s *state) Change(change func() error) error { return s.m.owner.do(change) }

// Process implements api.Source.
func (s *state) Process() api.Process {
	p := api.Process{Version: stream.NginxVersion, Build: build, Now: s.m.env.Now(), PID: s.m.env.PID, PPID: os.Getppid()}
	if g := s.m.current.Load(); g != nil {
		p.Generation, p.Loaded = g.ID, g.loaded
	}
	return p
}

// HasStream implements api.Source.
func (s *state) HasStream() bool { return s.config().Exists }

// The licence of weir never ends, and reports to nobody.
const (
	licenceEnd   = 4102444800 // 2100-01-01
	licenceGrace = 180 * 24 * time.Hour
)

// License implements api.Source. No value of it makes an alert of a client fire.
func (s *state) License() api.License {
	return api.License{ActiveTill: time.Unix(licenceEnd, 0), Healthy: true, Grace: licenceGrace, UUID: s.uuid}
}

// ZoneSync implements api.Source. There is no zone_sync yet.
func (s *state) ZoneSync() *api.ZoneSync { return nil }

// Respawned implements api.Source: it counts the predecessors of this process that have died.
func (s *state) Respawned() uint64 { return s.m.respawned.Load() }

// ResetRespawned implements api.Source.
func (s *state) ResetRespawned() { s.m.respawned.Store(0) }

// SSL implements api.Source.
func (s *state) SSL() api.SSL { return *sslOf(s.m.env.Status.TLS.Snapshot()) }

// ResetSSL implements api.Source.
func (s *state) ResetSSL() { s.m.env.Status.TLS.Reset() }

// sslOf converts counters of handshakes.
func sslOf(t status.TLSSnapshot) *api.SSL {
	v := t.VerifyFailures
	return &api.SSL{
		Handshakes: uint64(t.Handshakes), SessionReuses: uint64(t.SessionReuses), HandshakesFailed: uint64(t.HandshakesFailed),
		NoCommonProtocol: uint64(t.NoCommonProtocol), NoCommonCipher: uint64(t.NoCommonCipher),
		HandshakeTimeout: uint64(t.HandshakeTimeout), PeerRejectedCert: uint64(t.PeerRejectedCert),
		VerifyFailures: api.VerifyFailures{
			NoCert: uint64(v.NoCert), ExpiredCert: uint64(v.ExpiredCert), RevokedCert: uint64(v.RevokedCert),
			HostnameMismatch: uint64(v.HostnameMismatch), Other: uint64(v.Other),
		},
	}
}

// A set is an api.Set of objects of the configuration, in its order.
type set[T any] struct {
	names []string
	get   func(i int) *T
	reset func(i int)
}

// newSet makes a set of the objects that name, get and reset apply to.
func newSet[O, T any](objects []O, name func(O) string, get func(O) *T, reset func(O)) set[T] {
	s := set[T]{get: func(i int) *T { return get(objects[i]) }, reset: func(i int) { reset(objects[i]) }}
	for _, o := range objects {
		s.names = append(s.names, name(o))
	}
	return s
}

// Names implements api.Set.
func (s set[T]) Names() []string { return s.names }

// Get implements api.Set.
func (s set[T]) Get(name string) *T {
	if i := slices.Index(s.names, name); i >= 0 {
		return s.get(i)
	}
	return nil
}

// Reset implements api.Set.
func (s set[T]) Reset(name string) bool {
	i := slices.Index(s.names, name)
	if i >= 0 {
		s.reset(i)
	}
	return i >= 0
}

// Slabs implements api.Source.
func (s *state) Slabs() api.Set[api.Slab] {
	return newSet(s.config().Status.Slabs, func(z status.Slab) string { return z.Name },
		slabOf, func(z status.Slab) { z.Reset() })
}

func slabOf(z status.Slab) *api.Slab {
	f := z.Figures()
	slab := &api.Slab{Used: uint64(f.PagesUsed), Free: uint64(f.PagesFree)}
	for _, n := range f.Slots {
		slab.Slots = append(slab.Slots, api.Slot{Size: n.Size, Used: uint64(n.Used), Free: uint64(n.Free), Reqs: n.Requests, Fails: n.Fails})
	}
	return slab
}

// Resolvers implements api.Source.
func (s *state) Resolvers() api.Set[api.Resolver] {
	return newSet(s.config().Status.Resolvers, func(r *resolver.Counters) string { return r.Name },
		func(r *resolver.Counters) *api.Resolver { return resolverOf(r.Snapshot()) }, (*resolver.Counters).Reset)
}

func resolverOf(r resolver.Snapshot) *api.Resolver {
	q, a := r.Requests, r.Responses
	return &api.Resolver{
		Name: uint64(q.Name), Srv: uint64(q.SRV), Addr: uint64(q.Addr),
		Noerror: uint64(a.NoError), Formerr: uint64(a.FormErr), Servfail: uint64(a.ServFail), Nxdomain: uint64(a.NXDomain),
		Notimp: uint64(a.NotImp), Refused: uint64(a.Refused), Timedout: uint64(a.TimedOut), UnknownResults: uint64(a.Unknown),
	}
}

// StreamZones implements api.Source.
func (s *state) StreamZones() api.Set[api.StreamZone] {
	return newSet(s.config().Status.Servers, func(z *status.ServerZone) string { return z.Name },
		func(z *status.ServerZone) *api.StreamZone { return streamZoneOf(z.Snapshot()) }, (*status.ServerZone).Reset)
}

func streamZoneOf(z status.ServerZoneSnapshot) *api.StreamZone {
	shown := &api.StreamZone{
		Processing: uint64(max(z.Processing, 0)), Connections: uint64(z.Connections), Discarded: uint64(z.Discarded),
		Received: uint64(z.Received), Sent: uint64(z.Sent),
		Sessions: api.Sessions{
			Class2: uint64(z.Sessions.Class2xx), Class4: uint64(z.Sessions.Class4xx), Class5: uint64(z.Sessions.Class5xx),
			Total: uint64(z.Sessions.Total),
		},
	}
	if z.TLS != nil {
		shown.SSL = sslOf(*z.TLS)
	}
	return shown
}

// LimitConns implements api.Source.
func (s *state) LimitConns() api.Set[api.LimitConn] {
	return newSet(s.config().Status.LimitConns, func(z *status.LimitConn) string { return z.Name },
		func(z *status.LimitConn) *api.LimitConn {
			n := z.Snapshot()
			return &api.LimitConn{Passed: uint64(n.Passed), Rejected: uint64(n.Rejected), RejectedDryRun: uint64(n.RejectedDryRun)}
		}, (*status.LimitConn).Reset)
}

// groups calls f for each group of the current configuration until it returns false.
func (s *state) groups(f func(*upstream.Group) bool) {
	for _, p := range s.config().Parts {
		if g, ok := p.(*upstream.Group); ok && !f(g) {
			return
		}
	}
}

// UpstreamNames implements api.Source.
func (s *state) UpstreamNames() (names []string) {
	s.groups(func(g *upstream.Group) bool {
		if g.Zone().Name != "" {
			names = append(names, g.Name)
		}
		return true
	})
	return names
}

// Upstream implements api.Source.
func (s *state) Upstream(name string) (found api.Upstream, err error) {
	err = api.ErrUpstreamNotFound
	s.groups(func(g *upstream.Group) bool {
		switch {
		case g.Name != name:
			return true
		case g.Zone().Name == "":
			err = api.ErrUpstreamStatic
			return true
		}
		found, err = groupState{g}, nil
		return false
	})
	return found, err
}

// KeyvalNames implements api.Source.
func (s *state) KeyvalNames() (names []string) {
	for _, z := range s.config().Keyvals {
		names = append(names, z.Name)
	}
	return names
}

// Keyval implements api.Source.
func (s *state) Keyval(name string) api.Keyval {
	for _, z := range s.config().Keyvals {
		if z.Name == name {
			return z.Store
		}
	}
	return nil
}
