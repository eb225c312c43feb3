package upstream

import (
	"context"
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

// leastPause is the minimum time between two lookups of a name.
const leastPause = time.Second

// NewNamedGroup is NewGroup for a group with named servers. Fixed peers come first, then those of
// the names, in the order in which they are found. The group may have no peer until Run has found
// some.
func NewNamedGroup(name string, fixed []*PeerConf, m Method, named []*DynamicServer, by Resolving) *Group {
	g := newGroup(name, m)
	g.following = &following{Resolving: by, fixed: g.newPeers(fixed), named: named, known: make([]known, len(named))}
	g.Replace(g.following.fixed)
	return g
}

// Named lists the named servers. The caller must not change them.
func (g *Group) Named() []*DynamicServer {
	if g.following == nil {
		return nil
	}
	return g.following.named
}

// following is the state of a group's named servers.
type following struct {
	Resolving
	fixed []*Peer
	named []*DynamicServer
	log   *errorlog.Log

	mu    sync.Mutex // held while the group's peers are replaced
	known []known    // for each of named
}

// known is the lookup result of one name.
type known struct {
	places []endpoint
	peers  []*Peer // for each of places
	until  time.Time
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
	f := g.following
	f.log = env.Log
	if before == nil || before.following == nil {
		return
	}
	before.following.mu.Lock()
	defer before.following.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, n := range f.named {
		for j, was := range before.following.named {
			if strings.EqualFold(n.Host, was.Host) && n.Service == was.Service && n.Template.Backup == was.Template.Backup {
				next := known{until: before.following.known[j].until}
				next.update(g, n, before.following.known[j].places)
				g.accept(i, next)
			}
		}
	}
	g.Replace(f.all())
}

// all returns the peers of the group. The caller holds mu.
func (f *following) all() []*Peer {
	all := append([]*Peer(nil), f.fixed...)
	for i := range f.known {
		all = append(all, f.known[i].peers...)
	}
	return all
}

// Run keeps the group's named servers, if there are any, up to date until ctx ends. The first
// lookups start at once, except for names with a result from the previous configuration.
func (g *Group) Run(ctx context.Context) {
	if g.following == nil {
		return
	}
	var all sync.WaitGroup
	for i := range g.following.named {
		all.Go(func() { g.follow(ctx, i) })
	}
	all.Wait()
}

// follow looks up the i-th name repeatedly.
func (g *Group) follow(ctx context.Context, i int) {
	pause := time.Until(g.following.known[i].until)
	for sleep(ctx, pause) {
		until := g.lookUp(ctx, i)
		pause = max(time.Until(until), leastPause)
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
	f, n := g.following, g.following.named[i]
	asking, cancel := f.limit(ctx)
	defer cancel()
	found, until, err := f.ask(asking, i)
	if ctx.Err() != nil {
		return until
	}
	if err != nil {
		f.say(n.what() + " could not be resolved (" + err.Error() + ")")
	}
	if err != nil && err != resolver.ErrNotFound {
		return time.Now().Add(f.Timeout)
	}
	g.update(i, found, until)
	return until
}

func (f *following) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if f.Timeout > 0 {
		return context.WithTimeout(ctx, f.Timeout)
	}
	return context.WithCancel(ctx)
}

func (f *following) say(message string) { f.log.Write(errorlog.Error, 0, message) }

// what returns the name of the server in the log.
func (n *DynamicServer) what() string {
	if n.Service != "" {
		return "service " + n.Service + " of " + n.Host
	}
	return n.Host
}

// ask returns the current endpoints of the i-th name. If lookups fail in part, for one family of
// addresses or for one target of a service, the known endpoints of that part remain.
func (f *following) ask(ctx context.Context, i int) ([]endpoint, time.Time, error) {
	n := f.named[i]
	if n.Service != "" {
		return f.askService(ctx, i)
	}
	a, err := f.Resolver.Lookup(ctx, n.Host)
	if err != nil {
		return nil, a.Until, err
	}
	if why := a.Incomplete(); why != 0 {
		f.say(n.what() + " could not be resolved (" + why.Error() + ")")
	}
	places := make([]endpoint, 0, len(a.Addrs))
	for _, ip := range a.Addrs {
		places = append(places, endpoint{addr: netip.AddrPortFrom(ip, 0), backup: n.Template.Backup})
	}
	kept := f.lost(i, resolver.TargetError{NoA: a.NoA != 0, NoAAAA: a.NoAAAA != 0})
	return append(places, kept...), a.Until, nil
}

// lost returns the known endpoints of the i-th name that are missing from an answer because of a
// failure.
func (f *following) lost(i int, failed resolver.TargetError) (kept []endpoint) {
	if failed.Err == resolver.ErrNotFound {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.known[i].places {
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

// askService uses the instances of the best priority as primaries and the others as backups; if the
// server is itself a backup, it ignores the others.
func (f *following) askService(ctx context.Context, i int) ([]endpoint, time.Time, error) {
	n := f.named[i]
	s, err := f.Resolver.LookupService(ctx, n.Service, n.Host)
	if ctx.Err() == context.Canceled {
		return nil, s.Until, err // the configuration has ended; this is no failure of a target
	}
	for _, t := range s.Failed {
		f.say(t.Target + " could not be resolved (" + t.Err.Error() + ") while resolving " + n.what())
	}
	if err != nil {
		return nil, s.Until, err
	}
	best := s.Instances[0].Priority
	var kept, places []endpoint
	seen := map[string]bool{}
	for _, t := range s.Failed {
		lost := f.lost(i, t)
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
		places = append(places, endpoint{in.Addr, in.Target, max(int(in.Weight), 1), other || n.Template.Backup})
	}
	return append(places, kept...), s.Until, nil
}

// update sets the group's peers for the i-th name to those of places.
func (g *Group) update(i int, places []endpoint, until time.Time) {
	f := g.following
	f.mu.Lock()
	defer f.mu.Unlock()
	next := known{until: until, places: f.known[i].places, peers: f.known[i].peers}
	if !next.update(g, f.named[i], places) {
		f.known[i].until = until
		return
	}
	if g.accept(i, next) {
		g.Replace(f.all())
	}
}

// accept sets the state of the i-th name to next, unless the total weight would be too large. The
// caller holds the lock.
func (g *Group) accept(i int, next known) bool {
	f := g.following
	before := f.known[i]
	f.known[i] = next
	err := g.check(f.all())
	if err == nil {
		return true
	}
	f.known[i] = before
	f.say(err.Error() + " in upstream \"" + g.Name + "\"")
	return false
}

// check calls CheckWeight for the group with these peers.
func (g *Group) check(peers []*Peer) error {
	sum := int64(0)
	for _, p := range peers {
		sum += int64(p.Weight)
	}
	return CheckWeight(g.Method, sum)
}

// update replaces the addresses of k by want and reports whether they changed. A peer that stays
// keeps its position and is the same Peer; new ones, made by g, come last.
func (k *known) update(g *Group, n *DynamicServer, want []endpoint) (changed bool) {
	free := make(map[endpoint][]int, len(want)) // the indexes in want of each endpoint that are not yet taken
	for j, p := range want {
		free[n.identity(p)] = append(free[n.identity(p)], j)
	}
	taken := make([]bool, len(want))
	var now known
	for i, p := range k.places {
		id := n.identity(p)
		if at := free[id]; len(at) > 0 {
			free[id] = at[1:]
			taken[at[0]] = true
			now.places, now.peers = append(now.places, want[at[0]]), append(now.peers, k.peers[i])
		}
	}
	changed = len(now.places) < len(k.places)
	for j, p := range want {
		if !taken[j] {
			now.places, now.peers, changed = append(now.places, p), append(now.peers, g.NewPeer(n.conf(p))), true
		}
	}
	k.places, k.peers = now.places, now.peers
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
