package upstream

import (
	"slices"
	"strings"
	"sync"

	"weir/stream"
)

// A closing ends the sessions of servers that the operator takes away, at the rate of the group. Those of
// successive configurations share the marks.
type closing struct {
	budget *stream.Budget // fleet_close_rate; nil without
	marks  *marks
	abort  func(func(*stream.Session) bool, *stream.Budget) // of the Env; may be nil
	before *Group                                           // of the previous configuration, until this one is in use; guarded by marks.turn
	fixed  sync.Mutex                                       // held while the peers of a group without a zone are replaced
}

// marks are the servers whose sessions end, with the reason. It is safe for concurrent use.
type marks struct {
	turn   sync.Mutex // held while a configuration closes the servers that it does not have; taken before mu
	mu     sync.Mutex
	why    map[serverKey]mark
	atOnce []*Peer // that have left while the group had no rate: their sessions end at the next event
}

// A mark is the reason for the end of the sessions of a server, with their rate.
type mark struct {
	why    stream.Ending // 0 for none
	budget *stream.Budget
}

func (m *marks) of(key serverKey) mark {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.why[key]
}

// set marks a server, and reports whether the reason is new.
func (m *marks) set(p *Peer, why mark) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.why == nil {
		m.why = map[serverKey]mark{}
	}
	before := m.why[p.key()].why
	m.why[p.key()] = why
	return before != why.why
}

func (m *marks) clear(p *Peer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.why, p.key())
}

// noteAtOnce adds peers whose sessions end at their next event, and forgets those without sessions.
func (m *marks) noteAtOnce(left []*Peer, hasSessions func(*Peer) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	idle := func(p *Peer) bool { return !hasSessions(p) }
	m.atOnce = append(slices.DeleteFunc(m.atOnce, idle), left...)
}

// takeAtOnce removes and returns the peers of noteAtOnce.
func (m *marks) takeAtOnce() []*Peer {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.atOnce
	m.atOnce = nil
	return all
}

// A Proxy is a Content that proxies to groups.
type Proxy interface {
	// Chosen returns the picker of a session and the peer that it has chosen, or nil, and whether the
	// session ends when its server has left the group.
	Chosen(s *stream.Session) (p Picker, peer *Peer, drops bool)
}

// SetCloseBudget sets the rate at which sessions end for reasons of the operator. It is called before the
// group is open. No other group has the same budget, so that each can have another rate after a reload.
func (g *Group) SetCloseBudget(b *stream.Budget) { g.closing = &closing{budget: b, marks: &marks{}} }

// CloseBudget returns the rate at which sessions end for reasons of the operator; nil without one.
func (g *Group) CloseBudget() *stream.Budget {
	if g.closing == nil {
		return nil
	}
	return g.closing.budget
}

// CloseBudgetOf returns the CloseBudget for a session: that of its group, or of its configuration.
func CloseBudgetOf(s *stream.Session) *stream.Budget {
	if proxy, ok := s.Server.Content.(Proxy); ok {
		if picker, peer, _ := proxy.Chosen(s); peer != nil && picker.Group().closing != nil {
			return picker.Group().closing.budget
		}
	}
	return s.Listen.Config.CloseBudget
}

// Ending returns why the sessions of p that must leave it end: stream.BrokerRemoved or
// stream.BrokerDrained. Without a reason it returns 0.
func (g *Group) Ending(p *Peer) stream.Ending {
	if g.closing == nil {
		return 0
	}
	return g.closing.marks.of(p.key()).why
}

// isPaced reports whether the sessions of servers that leave end at a rate.
func (g *Group) isPaced() bool { return g.CloseBudget().PerSecond() > 0 }

// openClosing continues the closing of the group's predecessor, which may be nil.
func (g *Group) openClosing(env *stream.Env, before *Group) {
	c := g.closing
	if c == nil {
		return
	}
	c.abort = env.Abort
	if before == nil || before.closing == nil {
		return
	}
	c.before, c.marks = before, before.closing.marks
}

// closeMissing closes the servers of the previous configuration that this one does not have. What was
// drained while weir ran is in use again, unless this configuration drains it.
func (g *Group) closeMissing() {
	if g.closing == nil {
		return
	}
	g.closing.marks.turn.Lock()
	defer g.closing.marks.turn.Unlock()
	g.closeInTurn()
}

// closeInTurn is closeMissing after that of the previous configuration, which may be called later. The
// caller holds marks.turn.
func (g *Group) closeInTurn() {
	c := g.closing
	before := c.before
	if before == nil {
		return
	}
	c.before = nil
	before.closeInTurn()
	c.budget.Replace(before.closing.budget)
	known := map[serverKey]bool{}
	for _, p := range g.Peers() {
		known[p.key()] = true
		c.marks.clear(p)
	}
	var missing []*Peer
	for _, p := range before.Peers() {
		if !known[p.key()] {
			missing = append(missing, p)
		}
	}
	if g.isPaced() {
		g.closeLeft(g.Peers(), append(missing, g.pace(known)...))
	}
}

// pace makes the sessions that end at their next event, because the group had no rate, end at the rate. It
// returns their peers, except those that are in the group again: the sessions of these stay.
func (g *Group) pace(known map[serverKey]bool) (left []*Peer) {
	for _, p := range g.closing.marks.takeAtOnce() {
		p.Left().Store(false)
		if !known[p.key()] {
			left = append(left, p)
		}
	}
	return left
}

// closeLeft ends the sessions of the peers that have left, and of those that are down now. The sessions of
// other peers stay.
func (g *Group) closeLeft(present, left []*Peer) {
	m, found := g.closing.marks, false
	removed := mark{stream.BrokerRemoved, g.closing.budget}
	for _, p := range present {
		switch {
		case p.Down:
			found = m.set(p, removed) || found
		case !p.Drain || m.of(p.key()).why == stream.BrokerRemoved:
			m.clear(p)
		}
	}
	for _, p := range left {
		found = m.set(p, removed) || found
	}
	if found {
		g.end(stream.BrokerRemoved, g.closing.budget)
	}
}

// endDrains keeps the sessions of peers that are in use again.
func (g *Group) endDrains(present []*Peer) {
	if g.closing == nil {
		return
	}
	for _, p := range present {
		if !p.Drain {
			g.closing.marks.clear(p)
		}
	}
}

// end begins to end the sessions of peers with that reason.
func (g *Group) end(why stream.Ending, b *stream.Budget) {
	if g.closing.abort == nil {
		return
	}
	g.closing.abort(func(s *stream.Session) bool { return g.ends(s, why) }, b)
}

// ends reports whether the session must end for that reason.
func (g *Group) ends(s *stream.Session, why stream.Ending) bool {
	proxy, ok := s.Server.Content.(Proxy)
	if !ok {
		return false
	}
	picker, peer, drops := proxy.Chosen(s)
	if peer == nil || why == stream.BrokerRemoved && !drops {
		return false
	}
	of := picker.Group()
	return of.Name == g.Name && of.Ending(peer) == why
}

// Drain takes a server out of use until the next configuration: its peers get no new sessions. The server
// is a name as configured or an address. Drain returns the peers; none if the group has no such server.
// With perSecond their sessions end at that rate, within the rate of the group.
func (g *Group) Drain(server string, perSecond int) ([]*Peer, error) {
	if err := g.setDrain(server); err != nil {
		return nil, err
	}
	peers := g.PeersOf(server)
	g.endDrained(peers, perSecond)
	return peers, nil
}

// DrainServer is Drain for the server with that ID of a group with a zone. The error is an *EditError.
func (g *Group) DrainServer(id, perSecond int) (ServerInfo, error) {
	info, err := g.Patch(id, Change{Drain: new(true)})
	if err != nil {
		return info, err
	}
	peers := g.PeersOf(info.Server)
	if info.IsChild {
		peers = slices.DeleteFunc(g.Peers(), func(p *Peer) bool { return p.ID != id })
	}
	g.endDrained(peers, perSecond)
	return info, nil
}

// endDrained ends the sessions of peers at that rate; 0 keeps them.
func (g *Group) endDrained(peers []*Peer, perSecond int) {
	if perSecond == 0 || g.closing == nil {
		return
	}
	drained := mark{stream.BrokerDrained, g.closing.budget.Within(perSecond)}
	for _, p := range peers {
		if before := g.closing.marks.of(p.key()); before.why == drained.why {
			drained.budget.Replace(before.budget) // an ending that runs gets the new rate
		}
		g.closing.marks.set(p, drained)
	}
	g.end(drained.why, drained.budget)
}

// A Leaving is a server that gets no new session and whose sessions end.
type Leaving struct {
	ID        int    // -1 if it has left the group
	Server    string // the address
	Why       stream.Ending
	Sessions  int
	PerSecond int // at which weir ends the sessions; 0 if they end by themselves, or at once
}

// Leavings returns the servers that are drained, and those that have left the group and still have sessions.
func (g *Group) Leavings() (all []Leaving) {
	for _, p := range g.Peers() {
		why := g.Ending(p)
		if p.Drain && why == 0 {
			why = stream.BrokerDrained
		}
		if why != 0 {
			all = append(all, Leaving{p.ID, p.Addr.String(), why, g.Conns(p), g.pacing(p.key())})
		}
	}
	g.mu.Lock()
	gone := g.goneCounts.sums()
	g.mu.Unlock()
	for key, sessions := range gone {
		all = append(all, Leaving{-1, key.addr.String(), stream.BrokerRemoved, sessions, g.pacing(key)})
	}
	slices.SortFunc(all, func(a, b Leaving) int { return strings.Compare(a.Server, b.Server) })
	return all
}

// pacing returns the rate at which the sessions of a server end now; 0 without one.
func (g *Group) pacing(key serverKey) int {
	if g.closing == nil {
		return 0
	}
	return g.closing.marks.of(key).budget.PerSecond()
}

// PeersOf returns the peers of a server, which is a name as configured or an address.
func (g *Group) PeersOf(server string) (found []*Peer) {
	for _, p := range g.Peers() {
		if p.Server == server || p.Name == server {
			found = append(found, p)
		}
	}
	return found
}

// setDrain sets the parameter drain of a server.
func (g *Group) setDrain(server string) error {
	if g.registry == nil {
		g.drainFixed(server)
		return nil
	}
	for _, s := range g.Servers() {
		if s.Server != server {
			continue
		}
		if _, err := g.Patch(s.ID, Change{Drain: new(true)}); err != nil {
			return err
		}
	}
	return nil
}

// drainFixed is setDrain for a group without a zone.
func (g *Group) drainFixed(server string) {
	if g.closing == nil {
		return
	}
	g.closing.fixed.Lock()
	defer g.closing.fixed.Unlock()
	peers := g.Peers()
	for i, p := range peers {
		if p.Server == server || p.Name == server {
			drained := *p.PeerConf
			drained.Drain = true
			peers[i] = p.with(&drained)
		}
	}
	g.Replace(peers)
}

// Sessions returns how many sessions use the peers now, including those of earlier configurations.
func (g *Group) Sessions(peers []*Peer) (n int) {
	for _, p := range peers {
		n += g.Conns(p)
	}
	return n
}
