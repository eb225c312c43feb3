package upstream

import (
	"context"
	"sync"
	"time"

	"weir/internal/errorlog"
	"weir/stream"
)

// A Zone is the name and the size of a group's zone. The group uses no shared memory; the zone makes
// it a group with statistics, health checks and names that are looked up again.
type Zone struct {
	Name string
	Size int64 // in bytes; 0 if another directive gives it
}

// A registry is what a group has because of its zone.
type registry struct {
	Zone
	Resolving
	now     func() time.Time
	log     *errorlog.Log
	checks  []*Check // fixed once the group is open
	overTLS bool     // fixed once the group is open

	mu       sync.Mutex // held while the group's peers are replaced
	servers  []*entry   // in the order of their IDs
	replaced chan struct{}
	running  context.Context // of Run; nil before and after it
	version  uint64          // counts the edits

	followers sync.WaitGroup // the goroutines that look up names
	state     stateFile
}

// An entry is a server of a group as configured: an address, or a name with the addresses that it has
// resolved to.
type entry struct {
	id    int
	peer  *Peer          // of an address; nil for a name
	name  *DynamicServer // nil for an address
	found lookupResult   // of a name

	cancel context.CancelFunc // ends the lookups of a name
}

// NewZoneGroup is NewGroup for a group in a zone, which may have dynamic servers. Fixed peers come
// first, then those of the names, in the order in which they are found. The group may have no peer.
func NewZoneGroup(name string, z Zone, fixed []*PeerConf, m Method, named []*DynamicServer, by Resolving) *Group {
	g := newGroup(name, m)
	r := &registry{Zone: z, Resolving: by, now: time.Now}
	g.registry = r
	for _, p := range g.newPeers(fixed) {
		r.servers = append(r.servers, &entry{id: p.ID, peer: p})
	}
	for _, n := range named {
		r.servers = append(r.servers, &entry{id: g.newID(), name: n})
	}
	g.Replace(r.peers())
	return g
}

// Zone returns the zone of the group, or the zero Zone.
func (g *Group) Zone() Zone {
	if g.registry == nil {
		return Zone{}
	}
	return g.registry.Zone
}

// DynamicServers lists the dynamic servers. The caller must not change them.
func (g *Group) DynamicServers() (all []*DynamicServer) {
	for _, e := range g.registry.names() {
		all = append(all, e.name)
	}
	return all
}

// names returns the entries that are names. The caller holds the lock, if the group is open. The
// registry may be nil.
func (r *registry) names() (all []*entry) {
	if r == nil {
		return nil
	}
	for _, e := range r.servers {
		if e.name != nil {
			all = append(all, e)
		}
	}
	return all
}

// peers returns the peers of the group: addresses first, then those of names, in the order in which a
// configuration with the same servers has them. The caller holds the lock, if the group is open.
func (r *registry) peers() (all []*Peer) {
	for _, e := range r.servers {
		if e.peer != nil {
			all = append(all, e.peer)
		}
	}
	for _, e := range r.servers {
		all = append(all, e.found.peers...)
	}
	return all
}

// nameOf returns the name of an entry.
func (r *registry) nameOf(e *entry) *DynamicServer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return e.name
}

// notifyReplaced closes the channel of Watch. The caller holds the lock, if the group is open.
func (r *registry) notifyReplaced() {
	if r.replaced != nil {
		close(r.replaced)
		r.replaced = nil
	}
}

// now returns the time in milliseconds by the clock of the registry; without one it is 0.
func (g *Group) now() int64 {
	if g.registry == nil {
		return 0
	}
	return millis(g.registry.now())
}

// open sets the environment of the group and takes over the addresses of names from the same group
// in the previous configuration.
func (g *Group) open(env *stream.Env, before *Group) {
	r := g.registry
	r.log = env.Log
	if env.Now != nil {
		r.now = env.Now
	}
	if before == nil || before.registry == nil {
		return
	}
	if len(r.names()) > 0 {
		g.inheritAddresses(before)
	}
	if r.Zone == before.registry.Zone {
		g.inheritRecords(before)
	}
}

// Run closes the servers that the configuration has removed, and keeps the dynamic servers of a group
// with a zone up to date until ctx ends. The first lookups
// start at once, except for names with a result from the previous configuration.
func (g *Group) Run(ctx context.Context) {
	g.closeMissing()
	r := g.registry
	if r == nil {
		return
	}
	g.takeOver()
	g.startLookups(ctx)
	<-ctx.Done()
	r.endLookups()
	r.followers.Wait()
}

func (g *Group) startLookups(ctx context.Context) {
	r := g.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = ctx
	for _, e := range r.names() {
		g.follow(e)
	}
}

func (r *registry) endLookups() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = nil
}

// takeOver makes the states of the group's peers the owners of their records: the group has replaced its
// predecessor.
func (g *Group) takeOver() {
	r := g.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	now := g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.Peers() {
		p.state.zoned.owner = p.state
		p.noteState(now)
		g.setDropped(p)
	}
}
