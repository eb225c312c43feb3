package upstream

import (
	"slices"
	"time"
)

// ServerInfo is a server of a group as configured: an address, a name, or an address of a name.
type ServerInfo struct {
	ID          int
	Server      string // as written; of an address of a name, the address
	Weight      int
	MaxConns    int
	MaxFails    int
	FailTimeout Span
	SlowStart   Span
	Backup      bool
	Down        bool
	Drain       bool
	Service     string
	IsChild     bool   // an address of a name
	Parent      int    // the ID of the name, of a child
	Host        string // the name, of a child
}

// Servers returns the servers of a group in the order of their IDs; nil for a group without a zone.
func (g *Group) Servers() []ServerInfo {
	r := g.registry
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]ServerInfo, 0, len(r.servers))
	for _, e := range r.servers {
		all = append(all, e.info())
		for _, p := range e.found.peers {
			all = append(all, e.childInfo(p))
		}
	}
	slices.SortFunc(all, func(a, b ServerInfo) int { return a.ID - b.ID })
	return all
}

// Server returns the server with that ID. The error is an *EditError.
func (g *Group) Server(id int) (ServerInfo, error) {
	r := g.registry
	if r == nil {
		return ServerInfo{}, ErrStatic
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e, child := r.lookUp(id); {
	case e == nil:
		return ServerInfo{}, errServerNotFound(id)
	case child != nil:
		return e.childInfo(child), nil
	default:
		return e.info(), nil
	}
}

// text returns the server as it is written. The addresses that a name had when the configuration was
// read are servers of their own.
func (e *entry) text() string {
	if e.name == nil && e.peer.IsResolved {
		return e.peer.PeerConf.Name
	}
	return e.conf().Server
}

func (e *entry) info() ServerInfo {
	info := e.conf().info()
	info.ID, info.Server, info.Service = e.id, e.text(), e.service()
	return info
}

func (e *entry) childInfo(p *Peer) ServerInfo {
	info := p.info()
	info.ID, info.Server, info.Service = p.ID, p.PeerConf.Name, e.name.Service
	info.IsChild, info.Parent, info.Host = true, e.id, e.name.Host
	return info
}

// Written are times of a server as they are written; empty for the default.
type Written struct{ FailTimeout, SlowStart string }

var (
	defaultFailTimeout = Span{"10s", 10 * time.Second}
	defaultSlowStart   = "0s"
)

func (c *PeerConf) info() ServerInfo {
	info := ServerInfo{
		Weight: c.Weight, MaxConns: c.MaxConns, MaxFails: c.MaxFails, Backup: c.Backup, Down: c.Down, Drain: c.Drain,
		FailTimeout: Span{defaultFailTimeout.Text, c.FailTimeout}, SlowStart: Span{defaultSlowStart, c.SlowStart},
	}
	if w := c.Written; w != nil {
		if w.FailTimeout != "" {
			info.FailTimeout.Text = w.FailTimeout
		}
		if w.SlowStart != "" {
			info.SlowStart.Text = w.SlowStart
		}
	}
	return info
}
