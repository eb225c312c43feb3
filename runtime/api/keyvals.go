package api

import (
	"net/http"

	"weir/internal/keyval"
)

// keyvalZones is the part of a Source that has key-value zones: stream, or http, which has none.
type keyvalZones interface {
	names(Source) []string
	get(Source, string) Keyval
}

type streamKeyvals struct{}

func (streamKeyvals) names(s Source) []string          { return s.KeyvalNames() }
func (streamKeyvals) get(s Source, name string) Keyval { return s.Keyval(name) }

type noKeyvals struct{}

func (noKeyvals) names(Source) []string     { return nil }
func (noKeyvals) get(Source, string) Keyval { return nil }

// keyvals makes the nodes of the key-value zones.
func keyvals(since int, zones keyvalZones) *node {
	k := &keyvalNode{zones}
	one := &node{get: k.getOne, post: k.post, patch: k.patch, remove: k.clear}
	return &node{name: "keyvals", since: since, get: k.getAll, children: []*node{one}}
}

// A keyvalNode handles the requests to key-value zones.
type keyvalNode struct{ zones keyvalZones }

// zone returns the zone that the path names.
func (k *keyvalNode) zone(c *call) (Keyval, error) {
	if zone := k.zones.get(c.source, c.names[0]); zone != nil {
		return zone, nil
	}
	return nil, errKeyvalNotFound
}

func (k *keyvalNode) getAll(c *call) error {
	c.encodeNamed(k.zones.names(c.source), func(name string) {
		if zone := k.zones.get(c.source, name); zone != nil {
			c.out.key(name)
			c.encodePairs(zone)
		}
	})
	return nil
}

// encodePairs writes all pairs of a zone.
func (c *call) encodePairs(zone Keyval) {
	c.out.open('{')
	for p := range zone.All() {
		c.encodePair(p)
	}
	c.out.close('}')
}

// encodePair writes a member.
func (c *call) encodePair(p keyval.Pair) {
	c.out.key(p.Key)
	c.out.string(p.Value)
}

func (k *keyvalNode) getOne(c *call) error {
	zone, err := k.zone(c)
	if err != nil {
		return err
	}
	key, given := argument(c.request.URL.RawQuery, "key")
	if !given {
		c.encodePairs(zone)
		return nil
	}
	pair, found := zone.Get(key)
	if !found {
		return keyval.ErrKeyNotFound
	}
	c.out.open('{')
	c.encodePair(pair)
	c.out.close('}')
	return nil
}

// expireSince is the version that introduced values with an expiry.
const expireSince = 5

// checkExpire refuses an expiry in versions that do not have it.
func (c *call) checkExpire(p keyval.Pair) error {
	if p.Expire != 0 && c.version < expireSince {
		return keyval.ErrNested
	}
	return nil
}

func (k *keyvalNode) post(c *call) error {
	pairs, err := keyval.ParseAdd(c.body)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		if err := c.checkExpire(p); err != nil {
			return err
		}
	}
	zone, err := k.zone(c)
	if err != nil {
		return err
	}
	if err := zone.Add(pairs...); err != nil {
		return err
	}
	c.status = http.StatusCreated
	return nil
}

func (k *keyvalNode) patch(c *call) error {
	change, err := keyval.ParseUpdate(c.body)
	if err != nil {
		return err
	}
	if err := c.checkExpire(change.Pair); err != nil {
		return err
	}
	zone, err := k.zone(c)
	if err != nil {
		return err
	}
	if err := zone.Apply(change); err != nil {
		return err
	}
	c.status = http.StatusNoContent
	return nil
}

func (k *keyvalNode) clear(c *call) error {
	zone, err := k.zone(c)
	if err != nil {
		return err
	}
	zone.Clear()
	c.status = http.StatusNoContent
	return nil
}
