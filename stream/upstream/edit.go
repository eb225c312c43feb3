package upstream

import (
	"context"
	"slices"
	"strings"
	"time"

	"weir/stream"
)

// A Target is the address of a server as it is written: a literal address, or a name.
type Target struct {
	Text   string
	Addr   stream.Addr // of a literal address with a port
	Host   string
	Port   uint16
	NoPort bool
	IsName bool
}

// A Span is a time as it is written, and its length.
type Span struct {
	Text   string
	Length time.Duration
}

// Values are the parameters of a server as a request has them, as text. Those that it does not have are
// nil. A time without a unit is in seconds.
type Values struct {
	Server, Service                                    *string
	Weight, MaxConns, MaxFails, FailTimeout, SlowStart *string
	Backup, Down, Drain                                *bool
}

// A Change contains the parameters that a new server has, or that change. Others are nil: a new
// server has their defaults.
type Change struct {
	Server      *Target
	Service     *string
	Weight      *int
	MaxConns    *int
	MaxFails    *int
	FailTimeout *Span
	SlowStart   *Span
	Backup      *bool
	Down        *bool
	Drain       *bool
}

// Add adds a server at the end of the group. The error is an *EditError.
func (g *Group) Add(c Change) (ServerInfo, error) {
	return g.edit(func(r *registry) (*entry, *Peer, *EditError) {
		if c.Server == nil {
			return nil, nil, errMissingServer()
		}
		conf := PeerConf{Weight: 1, MaxFails: 1, FailTimeout: defaultFailTimeout.Length}
		service := ""
		if c.Service != nil {
			service = *c.Service
		}
		if err := g.checkTarget(c.Server, service); err != nil {
			return nil, nil, err
		}
		if r.find(c.Server, service) != nil {
			return nil, nil, errExists
		}
		if err := g.apply(&conf, c); err != nil {
			return nil, nil, err
		}
		if r.full() {
			return nil, nil, g.errOutOfMemory()
		}
		if err := g.mayWeigh(conf.Weight); err != nil {
			return nil, nil, err
		}
		e := &entry{id: g.newID()}
		g.fillEntry(e, &conf, c.Server, service)
		r.servers = append(r.servers, e)
		g.follow(e)
		return e, nil, nil
	})
}

// Patch changes a server, and returns it. The error is an *EditError.
func (g *Group) Patch(id int, c Change) (ServerInfo, error) {
	return g.edit(func(r *registry) (*entry, *Peer, *EditError) {
		e, child := r.lookUp(id)
		switch {
		case e == nil:
			return nil, nil, errServerNotFound(id)
		case child != nil:
			changed, err := g.patchChild(e, child, c)
			return e, changed, err
		}
		e, err := g.patchEntry(r, e, c)
		return e, nil, err
	})
}

// Remove removes a server, with its addresses if it is a name, and returns the others. Sessions keep
// the server until they end. The error is an *EditError.
func (g *Group) Remove(id int) ([]ServerInfo, error) {
	_, err := g.edit(func(r *registry) (*entry, *Peer, *EditError) {
		e, child := r.lookUp(id)
		switch {
		case e == nil:
			return nil, nil, errServerNotFound(id)
		case child != nil:
			return nil, nil, errImmutable("server \"%d\" not removable", id)
		}
		e.stop()
		r.servers = slices.DeleteFunc(r.servers, func(other *entry) bool { return other == e })
		return e, nil, nil
	})
	if err != nil {
		return nil, err
	}
	return g.Servers(), nil
}

// edit makes a change of the registry and replaces the peers of the group. It returns the changed
// server: an entry, or a peer of it.
func (g *Group) edit(change func(r *registry) (*entry, *Peer, *EditError)) (ServerInfo, error) {
	r := g.registry
	if r == nil {
		return ServerInfo{}, ErrStatic
	}
	info, err := g.editLocked(change)
	if err != nil {
		return ServerInfo{}, err
	}
	r.save(g.Name)
	return info, nil
}

func (g *Group) editLocked(change func(r *registry) (*entry, *Peer, *EditError)) (ServerInfo, error) {
	r := g.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	e, child, err := change(r)
	if err != nil {
		return ServerInfo{}, err
	}
	g.Replace(r.peers())
	r.version++
	if child != nil {
		return e.childInfo(child), nil
	}
	return e.info(), nil
}

// checkTarget reports what a server with that address lacks.
func (g *Group) checkTarget(t *Target, service string) *EditError {
	switch {
	case service != "" && !t.NoPort && !t.Addr.Unix:
		return errAddress("service upstream \"%s\" may not have port", t.Host)
	case service != "" && !t.IsName:
		return errAddress("service upstream \"%s\" requires domain name", t.Host)
	case service == "" && t.NoPort:
		return errAddress("no port in server \"%s\"", t.Host)
	case t.IsName && g.registry.Resolver == nil:
		return errNoResolver
	}
	return nil
}

// apply changes the parameters of conf.
func (g *Group) apply(conf *PeerConf, c Change) *EditError {
	set(&conf.Weight, c.Weight)
	set(&conf.MaxConns, c.MaxConns)
	set(&conf.MaxFails, c.MaxFails)
	set(&conf.Down, c.Down)
	set(&conf.Drain, c.Drain)
	set(&conf.Backup, c.Backup)
	if conf.Backup && isLimited(g.Method) {
		return g.errNoBackup()
	}
	written := Written{}
	if conf.Written != nil {
		written = *conf.Written
	}
	if c.FailTimeout != nil {
		conf.FailTimeout, written.FailTimeout = c.FailTimeout.Length, c.FailTimeout.Text
	}
	if c.SlowStart != nil {
		conf.SlowStart, written.SlowStart = c.SlowStart.Length, c.SlowStart.Text
	}
	if conf.SlowStart > 0 && isLimited(g.Method) {
		return ErrBadValue(SlowStart)
	}
	conf.Written = &written
	return nil
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

// isLimited reports whether a method allows neither backup nor slow_start, as nginx's hash and
// random.
func isLimited(m Method) bool {
	switch m.(type) {
	case plainHash, consistentHash, jumpHash, random:
		return true
	}
	return false
}

// mayWeigh reports an error if the group cannot have that much weight in addition.
func (g *Group) mayWeigh(more int) *EditError {
	sum := int64(more)
	for _, p := range g.registry.peers() {
		sum += int64(p.Weight)
	}
	if CheckWeight(g.Method, sum) != nil {
		return ErrBadValue(Weight)
	}
	return nil
}

// fillEntry sets the server of e, which has no peer.
func (g *Group) fillEntry(e *entry, conf *PeerConf, t *Target, service string) {
	conf.Server, conf.IsResolved = t.Text, false
	if t.IsName {
		e.name = &DynamicServer{Template: *conf, Host: t.Host, Port: t.Port, Service: service}
		return
	}
	conf.Name, conf.Addr = t.Addr.String(), t.Addr
	e.peer = g.newPeer(conf, e.id)
}

// patchEntry changes an address or a name, and returns its entry. The addresses of a name change with
// it. Another address or name makes another server with the same ID.
func (g *Group) patchEntry(r *registry, e *entry, c Change) (*entry, *EditError) {
	conf := *e.conf()
	service := e.service()
	switch {
	case c.Backup != nil && *c.Backup != conf.Backup:
		return nil, ErrBadMember("backup")
	case c.Service != nil && *c.Service != service:
		return nil, ErrBadMember("service")
	}
	before := conf.Weight
	if err := g.apply(&conf, c); err != nil {
		return nil, err
	}
	if err := g.mayWeigh((conf.Weight - before) * max(1, len(e.found.peers))); err != nil {
		return nil, err
	}
	if c.Server != nil && c.Server.Text != e.text() {
		return g.moveEntry(r, e, &conf, c.Server, service)
	}
	if e.peer != nil {
		e.peer = e.peer.with(&conf)
		return e, nil
	}
	g.patchName(e, &conf, c)
	return e, nil
}

// patchName changes the template of a name, and its addresses.
func (g *Group) patchName(e *entry, conf *PeerConf, c Change) {
	name := *e.name
	bySRV := name.weighsByRecord()
	name.Template = *conf
	e.name = &name
	if bySRV && conf.Weight == 1 {
		c.Weight = nil
	}
	for i, p := range e.found.peers {
		child := *p.PeerConf
		_ = g.apply(&child, c) // it has been applied to the name
		e.found.peers[i] = p.with(&child)
	}
}

// moveEntry replaces e by a server at another address or name.
func (g *Group) moveEntry(r *registry, e *entry, conf *PeerConf, t *Target, service string) (*entry, *EditError) {
	if err := g.checkTarget(t, service); err != nil {
		return nil, err
	}
	if other := r.find(t, service); other != nil && other != e {
		return nil, errExists
	}
	e.stop()
	moved := &entry{id: e.id}
	g.fillEntry(moved, conf, t, service)
	r.servers[slices.Index(r.servers, e)] = moved
	g.follow(moved)
	return moved, nil
}

// patchChild changes one address of a name until the name is resolved to other addresses.
func (g *Group) patchChild(e *entry, p *Peer, c Change) (*Peer, *EditError) {
	conf := *p.PeerConf
	switch {
	case c.Server != nil && c.Server.Text != p.PeerConf.Name:
		return nil, errImmutable("server \"%d\" address is immutable", p.ID)
	case c.Weight != nil && *c.Weight != conf.Weight && e.name.weighsByRecord():
		return nil, errWeightImmutable(p.ID)
	case c.Backup != nil && *c.Backup != conf.Backup:
		return nil, ErrBadMember("backup")
	case c.Service != nil && *c.Service != e.name.Service:
		return nil, ErrBadMember("service")
	}
	before := conf.Weight
	if err := g.apply(&conf, c); err != nil {
		return nil, err
	}
	if err := g.mayWeigh(conf.Weight - before); err != nil {
		return nil, err
	}
	changed := p.with(&conf)
	e.found.peers[slices.Index(e.found.peers, p)] = changed
	return changed, nil
}

// weighsByRecord reports whether the weights of the server's addresses are those of SRV records.
func (n *DynamicServer) weighsByRecord() bool { return n.Service != "" && n.Template.Weight == 1 }

// with returns the peer with another configuration.
func (p *Peer) with(conf *PeerConf) *Peer { return &Peer{PeerConf: conf, state: p.state, ID: p.ID} }

// lookUp returns the entry with that ID, or the entry and the child with that ID.
func (r *registry) lookUp(id int) (*entry, *Peer) {
	for _, e := range r.servers {
		if e.id == id {
			return e, nil
		}
		for _, p := range e.found.peers {
			if p.ID == id {
				return e, p
			}
		}
	}
	return nil, nil
}

// find returns the entry with that address, or that name and service.
func (r *registry) find(t *Target, service string) *entry {
	for _, e := range r.servers {
		switch {
		case e.peer != nil && !t.IsName && e.peer.Addr == t.Addr:
			return e
		case e.name != nil && t.IsName && strings.EqualFold(e.name.Host, t.Host) && e.name.Port == t.Port && e.name.Service == service:
			return e
		}
	}
	return nil
}

// serverBytes is how much of a zone a server takes. nginx's manual gives twice as much for NGINX
// Plus, so that a zone that is large enough there is large enough here.
const serverBytes = 1 << 10

// full reports whether the zone has no room for another server.
func (r *registry) full() bool {
	n := int64(1)
	for _, e := range r.servers {
		n += 1 + int64(len(e.found.peers))
	}
	return r.Size > 0 && n*serverBytes > r.Size
}

// conf returns the parameters of the entry.
func (e *entry) conf() *PeerConf {
	if e.peer != nil {
		return e.peer.PeerConf
	}
	return &e.name.Template
}

func (e *entry) service() string {
	if e.name == nil {
		return ""
	}
	return e.name.Service
}

// follow starts the lookups of the entry if it is a name. The caller holds the lock.
func (g *Group) follow(e *entry) {
	r := g.registry
	if e.name == nil || r.running == nil {
		return
	}
	ctx, cancel := context.WithCancel(r.running)
	e.cancel = cancel
	pause := time.Until(e.found.until)
	r.followers.Go(func() { g.followName(ctx, e, pause) })
}

// stop ends the lookups of the entry.
func (e *entry) stop() {
	if e.cancel != nil {
		e.cancel()
	}
}
