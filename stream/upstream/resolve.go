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

// A DynamicServer is a server of a group that is given by a name whose addresses are followed while weir serves: `server NAME resolve`.
type DynamicServer struct {
	Template Peer   // what its peers are like; Server is the identity of all of them, unless a service or EachAddress gives them others
	Host     string // to be looked up
	Port     uint16 // of the peers; a service has ports of its own
	Service  string // SRV records are looked up; empty: addresses
	// EachAddress makes every address a server of its own for methods that hash, as if the configuration had named it: ring=address.
	EachAddress bool
}

// Resolving says who is asked for the names of a group, and for how long.
type Resolving struct {
	Resolver *resolver.Resolver
	Timeout  time.Duration // resolver_timeout; 0: none
}

// leastPause is the shortest time between two lookups of a name.
const leastPause = time.Second

// NewNamedGroup is NewGroup for a group of which some servers are named. Fixed ones come first, then those of the names, in the order in
// which they are found. There may be no peer at all until Run has found some.
func NewNamedGroup(name string, fixed []*Peer, m Method, named []*DynamicServer, by Resolving) *Group {
	g := newGroup(name, m)
	g.following = &following{Resolving: by, fixed: fixed, named: named, known: make([]known, len(named))}
	g.Replace(fixed)
	return g
}

// Named lists the servers that are named. They are not to be changed.
func (g *Group) Named() []*DynamicServer {
	if g.following == nil {
		return nil
	}
	return g.following.named
}

// following is what a group knows of its named servers.
type following struct {
	Resolving
	fixed []*Peer
	named []*DynamicServer
	log   *errorlog.Log

	mu    sync.Mutex // held while the group's peers are replaced
	known []known    // for each of named
}

// known is what was found out about one name.
type known struct {
	places []endpoint
	peers  []*Peer // for each of places
	until  time.Time
}

// A endpoint is one address that a name was found to have.
type endpoint struct {
	addr   netip.AddrPort // without a port if it is not a service
	target string         // of a service
	weight int            // of a service
	backup bool
}

// open takes over what the group of the same name in the previous configuration has found, so that no server is missing until the
// first answer. It follows ngx_stream_upstream_zone_preresolve.
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
				next.update(n, before.following.known[j].places)
				g.accept(i, next)
			}
		}
	}
	g.Replace(f.all())
}

// all are the peers of the group. mu is held.
func (f *following) all() []*Peer {
	all := append([]*Peer(nil), f.fixed...)
	for i := range f.known {
		all = append(all, f.known[i].peers...)
	}
	return all
}

// Run follows the named servers of the group, if it has some, until ctx ends. The first lookups are at once, but for names that the
// previous configuration knows.
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

// follow looks the i-th name up, again and again.
func (g *Group) follow(ctx context.Context, i int) {
	pause := time.Until(g.following.known[i].until)
	for sleep(ctx, pause) {
		until := g.lookUp(ctx, i)
		pause = max(time.Until(until), leastPause)
	}
}

// sleep waits, and reports whether ctx goes on.
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

// lookUp asks for the i-th name, changes the group accordingly, and returns when to ask again. It follows
// ngx_stream_upstream_zone_resolve_handler: a name that does not exist has no servers, and other failures change nothing.
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

// what names the server in the log.
func (n *DynamicServer) what() string {
	if n.Service != "" {
		return "service " + n.Service + " of " + n.Host
	}
	return n.Host
}

// ask returns where the i-th name is to be found now. What servers failed to tell stays as it is known: addresses of one family, or those
// of one target of a service.
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

// lost returns the known places of the i-th name that an answer lacks because of a failure.
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

// askService takes the instances of the best priority for the server's, and the others for backups; of a server that is a backup, it
// takes no others.
func (f *following) askService(ctx context.Context, i int) ([]endpoint, time.Time, error) {
	n := f.named[i]
	s, err := f.Resolver.LookupService(ctx, n.Service, n.Host)
	if ctx.Err() == context.Canceled {
		return nil, s.Until, err // the configuration has ended, and no target is to blame
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

// update makes the group's peers those of places, as far as the i-th name goes.
func (g *Group) update(i int, places []endpoint, until time.Time) {
	f := g.following
	f.mu.Lock()
	defer f.mu.Unlock()
	next := known{until: until, places: f.known[i].places, peers: f.known[i].peers}
	if !next.update(f.named[i], places) {
		f.known[i].until = until
		return
	}
	if g.accept(i, next) {
		g.Replace(f.all())
	}
}

// accept takes next for what is known of the i-th name, unless that would be too heavy. The lock is held.
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

// check is CheckWeight for the group with these peers.
func (g *Group) check(peers []*Peer) error {
	sum := int64(0)
	for _, p := range peers {
		sum += int64(p.Weight)
	}
	return CheckWeight(g.Method, sum)
}

// update makes k what n is when it is to be found at want, and reports whether that is anything else than before. A peer that stays
// keeps its place and is the same Peer; new ones come last.
func (k *known) update(n *DynamicServer, want []endpoint) (changed bool) {
	free := make(map[endpoint][]int, len(want)) // where in want each place is, and not taken
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
			now.places, now.peers, changed = append(now.places, p), append(now.peers, n.peer(p)), true
		}
	}
	k.places, k.peers = now.places, now.peers
	return changed
}

// identity is what a place and one that it was at before have in common.
func (n *DynamicServer) identity(p endpoint) endpoint {
	if n.Template.Weight != 1 {
		p.weight = 0 // does not count
	}
	return p
}

// peer makes the peer at p.
func (n *DynamicServer) peer(p endpoint) *Peer {
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
