package upstream

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"time"

	"weir/internal/errorlog"
	"weir/internal/resolver"
	"weir/stream"
)

// A DynamicServer is a server of a group given by a name whose addresses are looked up while weir
// runs: `server NAME resolve`.
type DynamicServer struct {
	Template PeerConf // template for the peers; all share Server, except with a service or EachAddress
	Host     string   // the name to look up
	Port     uint16   // of the peers; SRV records have their own ports
	Service  string   // service of the SRV records; empty looks up addresses
	// EachAddress makes every address a separate server for hash methods, as if the configuration
	// listed it: ring=address.
	EachAddress bool
}

// Resolving configures the DNS lookups of a group: the resolver and the timeout.
type Resolving struct {
	Resolver *resolver.Resolver
	Timeout  time.Duration // resolver_timeout; 0 disables it
}

// minPause is the minimum time between two lookups of a name.
const minPause = time.Second

// NewDynamicGroup is NewGroup for a group with dynamic servers. Fixed peers come first, then those
// of the names, in the order in which they are found. The group may have no peer until Run has
// found some.
func NewDynamicGroup(name string, fixed []*PeerConf, m Method, named []*DynamicServer, by Resolving) *Group {
	g := newGroup(name, m)
	g.dynamic = &dynamicServers{
		Resolving: by, fixed: g.newPeers(fixed), servers: named, results: make([]lookupResult, len(named)),
	}
	g.Replace(g.dynamic.fixed)
	return g
}

// DynamicServers lists the dynamic servers. The caller must not change them.
func (g *Group) DynamicServers() []*DynamicServer {
	if g.dynamic == nil {
		return nil
	}
	return g.dynamic.servers
}

// dynamicServers is the state of a group's dynamic servers.
type dynamicServers struct {
	Resolving
	fixed   []*Peer
	servers []*DynamicServer
	log     *errorlog.Log

	mu      sync.Mutex     // held while the group's peers are replaced
	results []lookupResult // for each of servers
}

// lookupResult is the result of the last lookup of one name.
type lookupResult struct {
	endpoints []endpoint
	peers     []*Peer // for each of endpoints
	until     time.Time
}

// An endpoint is one address of a name.
type endpoint struct {
	addr   netip.AddrPort // without a port unless it belongs to a service
	target string         // of a service
	weight int            // of a service
	backup bool
}

// open takes over the lookup results of the same group in the previous configuration, so that no
// server is missing before the first answer. It follows ngx_stream_upstream_zone_preresolve.
func (g *Group) open(env *stream.Env, before *Group) {
	d := g.dynamic
	d.log = env.Log
	if before == nil || before.dynamic == nil {
		return
	}
	before.dynamic.mu.Lock()
	defer before.dynamic.mu.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, n := range d.servers {
		for j, was := range before.dynamic.servers {
			if strings.EqualFold(n.Host, was.Host) && n.Service == was.Service && n.Template.Backup == was.Template.Backup {
				next := lookupResult{until: before.dynamic.results[j].until}
				next.update(g, n, before.dynamic.results[j].endpoints)
				g.accept(i, next)
			}
		}
	}
	g.Replace(d.peers())
}

// peers returns the peers of the group. The caller holds mu.
func (d *dynamicServers) peers() []*Peer {
	all := append([]*Peer(nil), d.fixed...)
	for i := range d.results {
		all = append(all, d.results[i].peers...)
	}
	return all
}

// Run keeps the group's dynamic servers, if there are any, up to date until ctx ends. The first
// lookups start at once, except for names with a result from the previous configuration.
func (g *Group) Run(ctx context.Context) {
	if g.dynamic == nil {
		return
	}
	var all sync.WaitGroup
	for i := range g.dynamic.servers {
		all.Go(func() { g.followName(ctx, i) })
	}
	all.Wait()
}

// followName looks up the i-th name repeatedly.
func (g *Group) followName(ctx context.Context, i int) {
	pause := time.Until(g.dynamic.results[i].until)
	for sleep(ctx, pause) {
		until := g.lookUp(ctx, i)
		pause = max(time.Until(until), minPause)
	}
}

// sleep waits for d, and reports whether ctx is still active.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// lookUp looks up the i-th name, updates the group, and returns the time of the next lookup. It
// follows ngx_stream_upstream_zone_resolve_handler: a name that does not exist has no servers, and
// other failures change nothing.
func (g *Group) lookUp(ctx context.Context, i int) (until time.Time) {
	d, n := g.dynamic, g.dynamic.servers[i]
	asking, cancel := d.withTimeout(ctx)
	defer cancel()
	found, until, err := d.lookUpName(asking, i)
	if ctx.Err() != nil {
		return until
	}
	if err != nil {
		d.logError(n.logName() + " could not be resolved (" + err.Error() + ")")
	}
	if err != nil && !errors.Is(err, resolver.ErrNotFound) {
		return time.Now().Add(d.Timeout)
	}
	g.update(i, found, until)
	return until
}

func (d *dynamicServers) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if d.Timeout > 0 {
		return context.WithTimeout(ctx, d.Timeout)
	}
	return context.WithCancel(ctx)
}

func (d *dynamicServers) logError(message string) { d.log.Write(errorlog.Error, 0, message) }

// logName returns the name of the server in the log.
func (n *DynamicServer) logName() string {
	if n.Service != "" {
		return "service " + n.Service + " of " + n.Host
	}
	return n.Host
}

// lookUpName returns the current endpoints of the i-th name. If lookups fail in part, for one
// family of addresses or for one target of a service, the known endpoints of that part remain.
func (d *dynamicServers) lookUpName(ctx context.Context, i int) ([]endpoint, time.Time, error) {
	n := d.servers[i]
	if n.Service != "" {
		return d.lookUpService(ctx, i)
	}
	a, err := d.Resolver.Lookup(ctx, n.Host)
	if err != nil {
		return nil, a.Until, err
	}
	if why := a.Incomplete(); why != 0 {
		d.logError(n.logName() + " could not be resolved (" + why.Error() + ")")
	}
	endpoints := make([]endpoint, 0, len(a.Addrs))
	for _, ip := range a.Addrs {
		endpoints = append(endpoints, endpoint{addr: netip.AddrPortFrom(ip, 0), backup: n.Template.Backup})
	}
	kept := d.missing(i, resolver.TargetError{NoA: a.NoA != 0, NoAAAA: a.NoAAAA != 0})
	return append(endpoints, kept...), a.Until, nil
}

// missing returns the known endpoints of the i-th name that are missing from an answer because of a
// failure.
func (d *dynamicServers) missing(i int, failed resolver.TargetError) (kept []endpoint) {
	if failed.Err == resolver.ErrNotFound {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.results[i].endpoints {
		lacks := failed.NoAAAA
		if p.addr.Addr().Is4() {
			lacks = failed.NoA
		}
		if lacks && p.target == failed.Target {
			kept = append(kept, p)
		}
	}
	return kept
}

// lookUpService uses the instances of the best priority as primaries and the others as backups; if
// the server is itself a backup, it ignores the others.
func (d *dynamicServers) lookUpService(ctx context.Context, i int) ([]endpoint, time.Time, error) {
	n := d.servers[i]
	s, err := d.Resolver.LookupService(ctx, n.Service, n.Host)
	if ctx.Err() == context.Canceled {
		return nil, s.Until, err // the configuration has ended; this is no failure of a target
	}
	for _, t := range s.Failed {
		d.logError(t.Target + " could not be resolved (" + t.Err.Error() + ") while resolving " + n.logName())
	}
	if err != nil {
		return nil, s.Until, err
	}
	best := s.Instances[0].Priority
	var kept, endpoints []endpoint
	seen := map[string]bool{}
	for _, t := range s.Failed {
		lost := d.missing(i, t)
		if len(lost) > 0 {
			best = min(best, t.Priority)
		}
		if !seen[t.Target] {
			kept = append(kept, lost...)
		}
		seen[t.Target] = true
	}
	for _, in := range s.Instances {
		other := in.Priority != best
		if other && n.Template.Backup {
			break
		}
		endpoints = append(endpoints, endpoint{in.Addr, in.Target, max(int(in.Weight), 1), other || n.Template.Backup})
	}
	return append(endpoints, kept...), s.Until, nil
}

// update sets the group's peers for the i-th name to those of endpoints.
func (g *Group) update(i int, endpoints []endpoint, until time.Time) {
	d := g.dynamic
	d.mu.Lock()
	defer d.mu.Unlock()
	next := lookupResult{until: until, endpoints: d.results[i].endpoints, peers: d.results[i].peers}
	if !next.update(g, d.servers[i], endpoints) {
		d.results[i].until = until
		return
	}
	if g.accept(i, next) {
		g.Replace(d.peers())
	}
}

// accept sets the state of the i-th name to next, unless the total weight would be too large. The
// caller holds the lock.
func (g *Group) accept(i int, next lookupResult) bool {
	d := g.dynamic
	before := d.results[i]
	d.results[i] = next
	err := g.checkWeight(d.peers())
	if err == nil {
		return true
	}
	d.results[i] = before
	d.logError(err.Error() + " in upstream \"" + g.Name + "\"")
	return false
}

// checkWeight calls CheckWeight for the group with these peers.
func (g *Group) checkWeight(peers []*Peer) error {
	sum := int64(0)
	for _, p := range peers {
		sum += int64(p.Weight)
	}
	return CheckWeight(g.Method, sum)
}

// update replaces the addresses of r by want and reports whether they changed. A peer that stays
// keeps its position and is the same Peer; new ones, made by g, come last.
func (r *lookupResult) update(g *Group, n *DynamicServer, want []endpoint) (changed bool) {
	free := make(map[endpoint][]int, len(want)) // the indexes in want of each endpoint that are not yet taken
	for j, p := range want {
		free[n.identity(p)] = append(free[n.identity(p)], j)
	}
	taken := make([]bool, len(want))
	var now lookupResult
	for i, p := range r.endpoints {
		id := n.identity(p)
		if at := free[id]; len(at) > 0 {
			free[id] = at[1:]
			taken[at[0]] = true
			now.endpoints, now.peers = append(now.endpoints, want[at[0]]), append(now.peers, r.peers[i])
		}
	}
	changed = len(now.endpoints) < len(r.endpoints)
	for j, p := range want {
		if !taken[j] {
			now.endpoints, now.peers, changed = append(now.endpoints, p), append(now.peers, g.NewPeer(n.conf(p))), true
		}
	}
	r.endpoints, r.peers = now.endpoints, now.peers
	return changed
}

// identity returns the fields of an endpoint that identify it across lookups.
func (n *DynamicServer) identity(p endpoint) endpoint {
	if n.Template.Weight != 1 {
		p.weight = 0 // not part of the identity
	}
	return p
}

// conf returns the configuration of a peer at p.
func (n *DynamicServer) conf(p endpoint) *PeerConf {
	made := n.Template
	made.Backup = p.backup
	addr := p.addr
	if n.Service == "" {
		addr = netip.AddrPortFrom(addr.Addr(), n.Port)
	} else {
		made.Server = p.target
		if n.Template.Weight == 1 {
			made.Weight = p.weight
		}
	}
	made.Addr = stream.Addr{IP: addr}
	made.Name = made.Addr.String()
	if n.EachAddress {
		made.Server = made.Name
	}
	return &made
}
