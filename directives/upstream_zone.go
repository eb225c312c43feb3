package directives

import (
	"weir/internal/zone"
	"weir/stream/status"
	"weir/stream/upstream"
)

// The sizes of what nginx 1.31.5 keeps in the zone of a group on a 64-bit system.
const (
	groupNumberSize = 8   // ngx_uint_t, the version of the configuration
	groupPeersSize  = 96  // ngx_stream_upstream_rr_peers_t
	groupNameSize   = 16  // ngx_str_t
	peerSize        = 312 // ngx_stream_upstream_rr_peer_t
	peerAddrSize    = 112 // ngx_sockaddr_t
	peerNameSize    = 113 // NGX_SOCKADDR_STRLEN
)

// A groupZone is a zone of upstream groups. weir has no shared memory; its space is what nginx would use
// for the current peers.
type groupZone struct {
	name   string
	size   int64
	groups []*upstream.Group
}

// addGroupZone adds the zone of the group to those of the configuration. Several groups may share one.
func (c *upstreamMain) addGroupZone(zones *status.Zones, g *upstream.Group) {
	z := g.Zone()
	if z.Name == "" {
		return
	}
	for _, other := range c.zones {
		if other.name == z.Name {
			other.groups = append(other.groups, g)
			return
		}
	}
	added := &groupZone{z.Name, z.Size, []*upstream.Group{g}}
	c.zones = append(c.zones, added)
	zones.Slabs = append(zones.Slabs, status.Slab{Name: z.Name, Figures: added.figures, Reset: func() {}})
}

// figures follows ngx_stream_upstream_zone_copy_peers. Requests and failures are not counted.
func (z *groupZone) figures() zone.Figures {
	slab := zone.NewSlab(z.size)
	slab.Alloc(len(" in upstream zone \"\"\x00") + len(z.name))
	for _, g := range z.groups {
		addGroup(slab, g)
	}
	slab.Reset()
	return slab.Figures()
}

// addGroup allocates the blocks of a group.
func addGroup(slab *zone.Slab, g *upstream.Group) {
	blocks := []int{groupNumberSize, groupPeersSize, groupNameSize, len(g.Name)}
	hasBackup := false
	for _, p := range g.Peers() {
		blocks = append(blocks, peerSize, peerAddrSize, peerNameSize, len(p.Server))
		hasBackup = hasBackup || p.Backup
	}
	if hasBackup {
		blocks = append(blocks, groupPeersSize)
	}
	for _, size := range blocks {
		slab.Alloc(size)
	}
}
