package upstream

import (
	"slices"
	"sync/atomic"
	"time"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/status"
)

// State is the state of a peer as the API shows it.
type State uint8

// The states.
const (
	StateUp State = iota
	StateDraining
	StateDown
	StateUnavail // it has failed max_fails times, and has not succeeded since
	StateChecking
	StateUnhealthy
)

// String returns the word of the API.
func (s State) String() string {
	return [...]string{"up", "draining", "down", "unavail", "checking", "unhealthy"}[s]
}

// outOfUse reports whether the time in that state counts as downtime.
func (s State) outOfUse() bool { return s >= StateUnavail }

// zoned is the state of a peer whose group has a zone. The group's mutex guards it.
type zoned struct {
	*record
	results []Health // of each Check of the group
}

// A record contains the statistics of a server. The peer of the same server in the next
// configuration shares it, if the zone is the same. The group's mutex guards it, except for the last
// three fields. Its times are in milliseconds, by the clock of function millis; 0 means never.
type record struct {
	owner       *peerState // the state that downtime follows: the peer's in the newest configuration
	connections uint64     // sessions that have chosen the server
	fails       uint64
	unavail     uint64 // how often fails reached max_fails
	health      healthCounts
	connect     mean
	firstByte   mean
	response    mean
	selected    int64 // the last choice
	downtime    int64
	downstart   int64
	downSince   int64 // like downstart while the server is out of use, otherwise 0

	left    atomic.Bool
	tls     status.TLS
	traffic *relay.Counters
}

// A mean is the moving average of a time in milliseconds.
type mean struct {
	average int64
	known   bool
}

func (m *mean) record(took time.Duration) {
	if took >= 0 {
		m.average, m.known = movingAverage(m.average, took.Milliseconds()), true
	}
}

// value returns the average, or Unknown.
func (m *mean) value() int64 {
	if !m.known {
		return Unknown
	}
	return m.average
}

// Unknown is an average without a value.
const Unknown = -1

// TLS returns the counters of TLS handshakes with the server, or nil if its group has no zone.
func (p *Peer) TLS() *status.TLS {
	if p.state.zoned == nil {
		return nil
	}
	return &p.state.zoned.tls
}

// present returns the state of the peer. The caller holds the group's mutex.
func (p *Peer) present() State {
	switch s := p.state; {
	case p.Down:
		return StateDown
	case s.health == Unhealthy:
		return StateUnhealthy
	case s.health == Checking:
		return StateChecking
	case p.Drain || s.health == Draining:
		return StateDraining
	case p.MaxFails > 0 && s.fails >= p.MaxFails:
		return StateUnavail
	}
	return StateUp
}

// noteState counts the time that the server is out of use. It is called after each change of the
// state, with the group's mutex held.
func (p *Peer) noteState(now int64) {
	z := p.state.zoned
	if z == nil || z.owner != p.state {
		return
	}
	switch out := p.present().outOfUse(); {
	case out && z.downSince == 0:
		z.downstart, z.downSince = now, now
	case !out && z.downSince != 0:
		z.downtime += now - z.downSince
		z.downSince = 0
	}
}

// countTry records the times of an attempt that has succeeded.
func (p *Peer) countTry(t *stream.Try) {
	if z := p.state.zoned; z != nil && t != nil {
		z.response.record(t.Total)
	}
}

// countFailure counts a failed attempt.
func (p *Peer) countFailure() {
	if z := p.state.zoned; z != nil {
		z.fails++
	}
}

// countNotice records the time that a notice reports.
func (r *record) countNotice(n Notice, took time.Duration) {
	switch n {
	case Connected:
		r.connect.record(took)
	case FirstByte:
		r.firstByte.record(took)
	}
}

// noteStates calls noteState and setDropped for the peers of the group.
func (g *Group) noteStates(peers []*Peer) {
	now := millis(g.registry.now())
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range peers {
		p.noteState(now)
		g.setDropped(p)
	}
}

// PeerStatus contains the statistics of a peer. Averages are in milliseconds, or Unknown.
type PeerStatus struct {
	peer          *Peer
	ID            int
	Server        string // the address in use
	Service       string
	Name          string // as configured
	Backup        bool
	Weight        int
	State         State
	Active        int
	TLS           *status.TLSSnapshot // nil if no server of the configuration reaches the group over TLS
	MaxConns      int
	Connections   uint64
	ConnectTime   int64
	FirstByteTime int64
	ResponseTime  int64
	Sent          int64 // to the server
	Received      int64
	Fails         uint64
	Unavail       uint64
	Health        HealthCounts
	Downtime      time.Duration
	Downstart     time.Time // zero if never
	Selected      time.Time // zero if never
}

// HealthCounts counts the checks of a peer. LastPassed has a meaning if Checks is not zero.
type HealthCounts struct {
	Checks, Fails, Unhealthy uint64
	LastPassed               bool
}

// Status contains the statistics of a group.
type Status struct {
	Peers   []PeerStatus // in the order of their IDs
	Zombies int          // servers that have left the group and still have sessions
	Zone    string
}

// SetOverTLS notes that a server of the configuration reaches the group over TLS. It is called before the
// group is open; a group without a zone ignores it.
func (g *Group) SetOverTLS() {
	if g.registry != nil {
		g.registry.overTLS = true
	}
}

// Snapshot returns the statistics of the group; those of a group without a zone are empty. Its peers are copied one by one, so
// that no session waits for all of them.
func (g *Group) Snapshot() Status {
	if g.registry == nil {
		return Status{}
	}
	s := Status{Peers: g.registry.newStatuses(), Zone: g.registry.Name}
	now := g.registry.now()
	for i := range s.Peers {
		g.fill(&s.Peers[i], now)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s.Zombies = g.goneCounts.inUse()
	return s
}

// newStatuses returns the configured values of the peers, in the order of their IDs.
func (r *registry) newStatuses() []PeerStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := []PeerStatus{}
	for _, e := range r.servers {
		if e.peer != nil {
			all = append(all, e.peer.newStatus())
		}
		for _, p := range e.found.peers {
			s := p.newStatus()
			s.Name, s.Service = e.name.Template.Server, e.name.Service
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b PeerStatus) int { return a.ID - b.ID })
	return all
}

func (p *Peer) newStatus() PeerStatus {
	return PeerStatus{
		peer: p, ID: p.ID, Server: p.PeerConf.Name, Name: p.PeerConf.Server, Backup: p.Backup, Weight: p.Weight, MaxConns: p.MaxConns,
	}
}

// fill adds the statistics.
func (g *Group) fill(s *PeerStatus, now time.Time) {
	p := s.peer
	g.mu.Lock()
	defer g.mu.Unlock()
	z := p.state.zoned
	s.State, s.Active = p.present(), *p.state.conns
	s.Connections, s.Fails, s.Unavail = z.connections, z.fails, z.unavail
	s.ConnectTime, s.FirstByteTime, s.ResponseTime = z.connect.value(), z.firstByte.value(), z.response.value()
	s.Health = HealthCounts{z.health.checks, z.health.fails, z.health.unhealthy, z.health.lastPassed}
	s.Downtime = time.Duration(z.downtimeAt(millis(now))) * time.Millisecond
	s.Downstart, s.Selected = wall(z.downstart, now), wall(z.selected, now)
	if g.registry.overTLS {
		handshakes := z.tls.Snapshot()
		s.TLS = &handshakes
	}
	s.Received, s.Sent = z.traffic.Totals()
}

// downtimeAt returns the total downtime at a time.
func (r *record) downtimeAt(now int64) int64 {
	if r.downSince == 0 {
		return r.downtime
	}
	return r.downtime + now - r.downSince
}

// wall returns a time of a record by the system clock, which shows now; the zero time if it is 0.
func wall(ms int64, now time.Time) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms + now.UnixMilli() - millis(now)).UTC()
}

// Reset sets the statistics of all peers to zero. It does nothing to a group without a zone.
func (g *Group) Reset() {
	if g.registry == nil {
		return
	}
	now := g.now()
	for _, p := range g.Peers() {
		g.resetPeer(p, now)
	}
}

func (g *Group) resetPeer(p *Peer, now int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := p.state.zoned.record
	r.connections, r.fails, r.unavail, r.health = 0, 0, 0, healthCounts{}
	r.connect, r.firstByte, r.response = mean{}, mean{}, mean{}
	r.selected, r.downtime, r.downstart = 0, 0, 0
	if r.downSince != 0 {
		r.downstart, r.downSince = now, now
	}
	r.tls.Reset()
	r.traffic.Reset()
}
