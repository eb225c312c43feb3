package upstream

import (
	"context"
	"errors"
	"net/netip"
	"strings"
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

// inheritAddresses takes over the lookup results of the same group in the previous configuration, so
// that no server is missing before the first answer. It follows ngx_stream_upstream_zone_preresolve.
func (g *Group) inheritAddresses(before *Group) {
	r := g.registry
	before.registry.mu.Lock()
	defer before.registry.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.names() {
		for _, was := range before.registry.names() {
			if e.name.sameAs(was.name) {
				next := lookupResult{until: was.found.until}
				next.update(g, e.name, was.found.endpoints)
				g.accept(e, next)
			}
		}
	}
	g.Replace(r.peers())
}

// sameAs reports whether both servers have the same addresses.
func (n *DynamicServer) sameAs(other *DynamicServer) bool {
	return strings.EqualFold(n.Host, other.Host) && n.Service == other.Service && n.Template.Backup == other.Template.Backup
}

// followName looks up a name repeatedly, first after a pause.
func (g *Group) followName(ctx context.Context, e *entry, pause time.Duration) {
	for sleep(ctx, pause) {
		until := g.lookUp(ctx, e)
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

// lookUp looks up a name, updates the group, and returns the time of the next lookup. It
// follows ngx_stream_upstream_zone_resolve_handler: a name that does not exist has no servers, and
// other failures change nothing.
func (g *Group) lookUp(ctx context.Context, e *entry) (until time.Time) {
	r := g.registry
	n := r.nameOf(e)
	asking, cancel := r.withTimeout(ctx)
	defer cancel()
	found, until, err := r.lookUpName(asking, e, n)
	if ctx.Err() != nil {
		return until
	}
	if err != nil {
		r.logError(n.logName() + " could not be resolved (" + err.Error() + ")")
	}
	if err != nil && !errors.Is(err, resolver.ErrNotFound) {
		return time.Now().Add(r.Timeout)
	}
	g.update(e, found, until)
	return until
}

func (r *registry) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.Timeout > 0 {
		return context.WithTimeout(ctx, r.Timeout)
	}
	return context.WithCancel(ctx)
}

func (r *registry) logError(message string) { r.log.Write(errorlog.Error, 0, message) }

// logName returns the name of the server in the log.
func (n *DynamicServer) logName() string {
	if n.Service != "" {
		return "service " + n.Service + " of " + n.Host
	}
	return n.Host
}

// lookUpName returns the current endpoints of a name. If lookups fail in part, for one
// family of addresses or for one target of a service, the known endpoints of that part remain.
func (r *registry) lookUpName(ctx context.Context, e *entry, n *DynamicServer) ([]endpoint, time.Time, error) {
	if n.Service != "" {
		return r.lookUpService(ctx, e, n)
	}
	a, err := r.Resolver.Lookup(ctx, n.Host)
	if err != nil {
		return nil, a.Until, err
	}
	if why := a.Incomplete(); why != 0 {
		r.logError(n.logName() + " could not be resolved (" + why.Error() + ")")
	}
	endpoints := make([]endpoint, 0, len(a.Addrs))
	for _, ip := range a.Addrs {
		endpoints = append(endpoints, endpoint{addr: netip.AddrPortFrom(ip, 0), backup: n.Template.Backup})
	}
	kept := r.missing(e, resolver.TargetError{NoA: a.NoA != 0, NoAAAA: a.NoAAAA != 0})
	return append(endpoints, kept...), a.Until, nil
}

// missing returns the known endpoints of a name that are missing from an answer because of a
// failure.
func (r *registry) missing(e *entry, failed resolver.TargetError) (kept []endpoint) {
	if failed.Err == resolver.ErrNotFound {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range e.found.endpoints {
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
func (r *registry) lookUpService(ctx context.Context, e *entry, n *DynamicServer) ([]endpoint, time.Time, error) {
	s, err := r.Resolver.LookupService(ctx, n.Service, n.Host)
	if ctx.Err() == context.Canceled {
		return nil, s.Until, err // the configuration has ended; this is no failure of a target
	}
	for _, t := range s.Failed {
		r.logError(t.Target + " could not be resolved (" + t.Err.Error() + ") while resolving " + n.logName())
	}
	if err != nil {
		return nil, s.Until, err
	}
	best := s.Instances[0].Priority
	var kept, endpoints []endpoint
	seen := map[string]bool{}
	for _, t := range s.Failed {
		lost := r.missing(e, t)
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

// update sets the group's peers for a name to those of endpoints.
func (g *Group) update(e *entry, endpoints []endpoint, until time.Time) {
	r := g.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	next := lookupResult{until: until, endpoints: e.found.endpoints, peers: e.found.peers}
	if !next.update(g, e.name, endpoints) {
		e.found.until = until
		return
	}
	if g.accept(e, next) {
		g.Replace(r.peers())
	}
}

// accept sets the addresses of a name to next, unless the total weight would be too large. The
// caller holds the lock.
func (g *Group) accept(e *entry, next lookupResult) bool {
	r := g.registry
	before := e.found
	e.found = next
	err := g.checkWeight(r.peers())
	if err == nil {
		return true
	}
	e.found = before
	r.logError(err.Error() + " in upstream \"" + g.Name + "\"")
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
