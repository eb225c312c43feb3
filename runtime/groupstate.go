package runtime

import (
	"errors"
	"strconv"

	"weir/directives"
	"weir/runtime/api"
	"weir/stream/upstream"
)

// groupState is a group with a zone as the API shows it: api.Upstream.
type groupState struct{ g *upstream.Group }

// Stats implements api.Upstream.
func (s groupState) Stats() *api.Group {
	now := s.g.Snapshot()
	shown := &api.Group{Zombies: uint64(now.Zombies), Zone: now.Zone, Peers: make([]api.Peer, len(now.Peers))}
	for i := range now.Peers {
		fillPeer(&shown.Peers[i], &now.Peers[i])
	}
	return shown
}

// fillPeer converts the statistics of a peer.
func fillPeer(shown *api.Peer, p *upstream.PeerStatus) {
	*shown = api.Peer{
		ID: p.ID, Server: p.Server, Service: p.Service, Name: p.Name, Backup: p.Backup, Weight: p.Weight, State: p.State.String(),
		Active: uint64(p.Active), MaxConns: p.MaxConns, Connections: p.Connections,
		ConnectTime: millis(p.ConnectTime), FirstByteTime: millis(p.FirstByteTime), ResponseTime: millis(p.ResponseTime),
		Sent: uint64(p.Sent), Received: uint64(p.Received), Fails: p.Fails, Unavail: p.Unavail,
		Health:   api.Health{Checks: p.Health.Checks, Fails: p.Health.Fails, Unhealthy: p.Health.Unhealthy},
		Downtime: p.Downtime, Downstart: p.Downstart, Selected: p.Selected,
	}
	if p.Health.Checks > 0 {
		shown.Health.LastPassed = &p.Health.LastPassed
	}
	if p.TLS != nil {
		shown.SSL = sslOf(*p.TLS)
	}
}

// millis converts an average.
func millis(ms int64) api.Millis {
	if ms == upstream.Unknown {
		return api.Millis{}
	}
	return api.Millis{Measured: true, Value: uint64(ms)}
}

// Reset implements api.Upstream.
func (s groupState) Reset() { s.g.Reset() }

// Servers implements api.Upstream.
func (s groupState) Servers() []api.GroupServer {
	all := s.g.Servers()
	shown := make([]api.GroupServer, len(all))
	for i, info := range all {
		shown[i] = serverOf(info)
	}
	return shown
}

// serverOf converts the configuration of a server.
func serverOf(i upstream.ServerInfo) api.GroupServer {
	shown := api.GroupServer{
		ID: i.ID, Address: i.Server, Service: i.Service, Weight: i.Weight, MaxConns: i.MaxConns, MaxFails: i.MaxFails,
		FailTimeout: i.FailTimeout.Text, SlowStart: i.SlowStart.Text, Backup: i.Backup, Down: i.Down, Drain: i.Drain, Host: i.Host,
	}
	if i.IsChild {
		shown.Parent = &i.Parent
	}
	return shown
}

// Add implements api.Upstream.
func (s groupState) Add(c api.ServerChange) (api.GroupServer, error) {
	change, err := changeOf(c)
	if err != nil {
		return api.GroupServer{}, err
	}
	return answerOf(s.g.Add(change))
}

// Change implements api.Upstream.
func (s groupState) Change(id int, c api.ServerChange) (api.GroupServer, error) {
	if c.DrainRate != nil {
		return answerOf(s.g.DrainServer(id, *c.DrainRate))
	}
	change, err := changeOf(c)
	if err != nil {
		return api.GroupServer{}, err
	}
	return answerOf(s.g.Patch(id, change))
}

// Remove implements api.Upstream.
func (s groupState) Remove(id int) error {
	_, err := s.g.Remove(id)
	return apiError(err)
}

// changeOf reads the values of a request as those of the directive server are read.
func changeOf(c api.ServerChange) (upstream.Change, error) {
	change, err := directives.ParseServer(upstream.Values{
		Server: c.Address, Service: c.Service,
		Weight: decimal(c.Weight), MaxConns: decimal(c.MaxConns), MaxFails: decimal(c.MaxFails),
		FailTimeout: c.FailTimeout, SlowStart: c.SlowStart, Backup: c.Backup, Down: c.Down, Drain: c.Drain,
	})
	return change, apiError(err)
}

// decimal returns the text of a number; nil for nil.
func decimal(n *int) *string {
	if n == nil {
		return nil
	}
	text := strconv.Itoa(*n)
	return &text
}

// answerOf converts the result of a change.
func answerOf(i upstream.ServerInfo, err error) (api.GroupServer, error) {
	if err != nil {
		return api.GroupServer{}, apiError(err)
	}
	return serverOf(i), nil
}

// apiError converts the error of a change.
func apiError(err error) error {
	if edit, ok := errors.AsType[*upstream.EditError](err); ok {
		return &api.Error{Status: edit.Status, Code: edit.Code, Text: edit.Text}
	}
	return err
}
