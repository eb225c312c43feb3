package api

import (
	"net/http"
	"strconv"
)

// groups is the part of a Source that has upstream groups: stream, or http, which has none.
type groups interface {
	names(Source) []string
	get(Source, string) (Upstream, error)
}

type streamUpstreams struct{}

func (streamUpstreams) names(s Source) []string                     { return s.UpstreamNames() }
func (streamUpstreams) get(s Source, name string) (Upstream, error) { return s.Upstream(name) }

type noUpstreams struct{}

func (noUpstreams) names(Source) []string                { return nil }
func (noUpstreams) get(Source, string) (Upstream, error) { return nil, ErrUpstreamNotFound }

// upstreams makes the nodes of the groups.
func upstreams(g groups) *node {
	_, isHTTP := g.(noUpstreams)
	u := &upstreamNode{g, isHTTP}
	server := &node{get: u.getServer, patch: u.patchServer, remove: u.removeServer}
	servers := &node{name: "servers", get: u.getServers, post: u.postServer, children: []*node{server}}
	one := &node{get: u.getOne, remove: u.reset, children: []*node{servers}}
	return &node{name: "upstreams", get: u.getAll, children: []*node{one}}
}

// An upstreamNode handles the requests to groups.
type upstreamNode struct {
	groups groups
	http   bool // of http
}

// group returns the group that the path names.
func (u *upstreamNode) group(c *call) (Upstream, error) { return u.groups.get(c.source, c.names[0]) }

// server returns the group and the ID of the server that the path names.
func (u *upstreamNode) server(c *call) (Upstream, int, error) {
	group, err := u.group(c)
	if err != nil {
		return nil, 0, err
	}
	id, err := strconv.ParseUint(c.names[1], 10, 31)
	if err != nil {
		return nil, 0, errBadServerID
	}
	return group, int(id), nil
}

func (u *upstreamNode) getAll(c *call) error {
	c.encodeNamed(u.groups.names(c.source), func(name string) {
		if group, err := u.groups.get(c.source, name); err == nil {
			c.out.key(name)
			groupObject.encode(&c.out, group.Stats(), c.fields)
		}
	})
	return nil
}

func (u *upstreamNode) getOne(c *call) error {
	group, err := u.group(c)
	if err != nil {
		return err
	}
	groupObject.encode(&c.out, group.Stats(), c.fields)
	return nil
}

func (u *upstreamNode) reset(c *call) error {
	group, err := u.group(c)
	if err != nil {
		return err
	}
	group.Reset()
	c.status = http.StatusNoContent
	return nil
}

func (u *upstreamNode) getServers(c *call) error {
	group, err := u.group(c)
	if err != nil {
		return err
	}
	encodeList(&c.out, serverObject, group.Servers(), c.fields)
	return nil
}

func (u *upstreamNode) postServer(c *call) error {
	change, bad := parseChange(c.body, c.version, u.http)
	if bad != nil {
		return bad
	}
	if change.Address == nil {
		return badFormat("missing \"server\" argument")
	}
	group, err := u.group(c)
	if err != nil {
		return err
	}
	server, err := group.Add(change)
	if err != nil {
		return err
	}
	serverObject.encode(&c.out, &server, fields{})
	c.status = http.StatusCreated
	return nil
}

func (u *upstreamNode) getServer(c *call) error {
	group, id, err := u.server(c)
	if err != nil {
		return err
	}
	for _, s := range group.Servers() {
		if s.ID == id {
			serverObject.encode(&c.out, &s, c.fields)
			return nil
		}
	}
	return ServerNotFound(id)
}

func (u *upstreamNode) patchServer(c *call) error {
	change, bad := parseChange(c.body, c.version, u.http)
	if bad != nil {
		return bad
	}
	return u.change(c, change)
}

// change changes the server that the path names, and answers with it.
func (u *upstreamNode) change(c *call, change ServerChange) error {
	group, id, err := u.server(c)
	if err != nil {
		return err
	}
	server, err := group.Change(id, change)
	if err != nil {
		return err
	}
	serverObject.encode(&c.out, &server, fields{})
	return nil
}

func (u *upstreamNode) removeServer(c *call) error {
	group, id, err := u.server(c)
	if err != nil {
		return err
	}
	if err := group.Remove(id); err != nil {
		return err
	}
	encodeList(&c.out, serverObject, group.Servers(), fields{})
	return nil
}
