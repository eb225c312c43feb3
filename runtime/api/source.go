package api

import (
	"iter"
	"time"

	"weir/internal/keyval"
)

// A Source provides the state that the API shows and changes. It is safe for concurrent use. No method
// waits for a session.
type Source interface {
	// Change calls change, or returns an error if nothing may change at present.
	Change(change func() error) error
	// Process returns the facts of the object /nginx, except for the address.
	Process() Process
	// HasStream reports whether the configuration has a stream block.
	HasStream() bool
	// License returns the object /license.
	License() License
	// ZoneSync returns the object /stream/zone_sync/; nil if the configuration has no zone_sync.
	ZoneSync() *ZoneSync

	Respawned() uint64
	ResetRespawned()
	Connections() Connections
	ResetConnections()
	SSL() SSL
	ResetSSL()
	Requests() Requests
	ResetRequests()
	// Workers returns the workers; their IDs are their indexes.
	Workers() []Worker
	ResetWorker(id int)

	Slabs() Set[Slab]
	Resolvers() Set[Resolver]
	HTTPZones() Set[HTTPZone]
	LocationZones() Set[HTTPZone]
	StreamZones() Set[StreamZone]
	LimitConns() Set[LimitConn]

	// UpstreamNames returns the names of the groups with a zone.
	UpstreamNames() []string
	// Upstream returns a group with a zone, or ErrUpstreamNotFound or ErrUpstreamStatic.
	Upstream(name string) (Upstream, error)
	// KeyvalNames returns the names of the key-value zones of stream.
	KeyvalNames() []string
	// Keyval returns a key-value zone of stream; nil if there is none of that name.
	Keyval(name string) Keyval
}

// A Set is a set of named objects with counters.
type Set[T any] interface {
	// Names returns the names in the order of the answers.
	Names() []string
	// Get returns an object; nil if there is none of that name.
	Get(name string) *T
	// Reset sets the counters of an object to zero; it reports whether there is one of that name.
	Reset(name string) bool
}

// An Upstream is a group whose servers can be changed. The errors of its methods are of type *Error.
type Upstream interface {
	// Stats returns the statistics of the group.
	Stats() *Group
	// Reset resets the statistics of all peers.
	Reset()
	// Servers returns the servers in the order of insertion.
	Servers() []GroupServer
	// Add adds a server.
	Add(ServerChange) (GroupServer, error)
	// Change changes the given members of a server.
	Change(id int, c ServerChange) (GroupServer, error)
	// Remove removes a server.
	Remove(id int) error
}

// A Keyval is a zone of key-value pairs. The errors of its methods are of type *keyval.Error.
type Keyval interface {
	// All returns the pairs that have not expired.
	All() iter.Seq[keyval.Pair]
	// Get returns the pair of a key.
	Get(key string) (keyval.Pair, bool)
	// Add adds one pair, or several to an empty zone.
	Add(...keyval.Pair) error
	// Apply changes or removes a pair.
	Apply(keyval.Change) error
	// Clear removes all pairs.
	Clear()
}

// Process is the object /nginx without the address.
type Process struct {
	Version    string
	Build      string
	Generation uint64
	Loaded     time.Time
	Now        time.Time
	PID        int
	PPID       int
}

// Connections is the object /connections.
type Connections struct{ Accepted, Dropped, Active, Idle uint64 }

// Requests is the object /http/requests.
type Requests struct{ Total, Current uint64 }

// SSL contains the counters of handshakes. Each answer shows those that apply to it.
type SSL struct {
	Handshakes       uint64
	SessionReuses    uint64
	HandshakesFailed uint64
	NoCommonProtocol uint64
	NoCommonCipher   uint64
	HandshakeTimeout uint64
	PeerRejectedCert uint64
	VerifyFailures   VerifyFailures
}

// VerifyFailures counts the failures of verification by their cause.
type VerifyFailures struct{ NoCert, ExpiredCert, RevokedCert, HostnameMismatch, Other uint64 }

// A Slab is the object /slabs/NAME.
type Slab struct {
	Used, Free uint64 // pages
	Slots      []Slot
}

// A Slot counts the allocations of one size.
type Slot struct {
	Size                    int
	Used, Free, Reqs, Fails uint64
}

// A Worker is an entry of /workers/.
type Worker struct {
	ID          int
	PID         int
	Connections Connections
	Requests    Requests
}

// A License is the object /license.
type License struct {
	Eval       bool
	ActiveTill time.Time
	Healthy    bool
	Fails      uint64
	Grace      time.Duration
	UUID       string
}

// A Resolver is the object /resolvers/NAME.
type Resolver struct {
	Name, Srv, Addr                                                                 uint64 // requests
	Noerror, Formerr, Servfail, Nxdomain, Notimp, Refused, Timedout, UnknownResults uint64 // responses
}

// An HTTPZone is the object /http/server_zones/NAME or /http/location_zones/NAME.
type HTTPZone struct {
	Processing uint64 // of a server
	Requests   uint64
	Classes    [5]uint64 // responses 1xx to 5xx
	Codes      []Code    // in ascending order
	Discarded  uint64
	Received   uint64
	Sent       uint64
	SSL        *SSL // of a server with TLS
}

// A Code counts the responses with one status.
type Code struct {
	Status int
	Count  uint64
}

// A StreamZone is the object /stream/server_zones/NAME.
type StreamZone struct {
	Processing  uint64
	Connections uint64
	Sessions    Sessions
	Discarded   uint64
	Received    uint64
	Sent        uint64
	SSL         *SSL // of a server with TLS
}

// Sessions counts the ended sessions by the class of their status.
type Sessions struct{ Class2, Class4, Class5, Total uint64 }

// A LimitConn is the object /stream/limit_conns/NAME.
type LimitConn struct{ Passed, Rejected, RejectedDryRun uint64 }

// A Group is the object /stream/upstreams/NAME/.
type Group struct {
	Peers   []Peer
	Zombies uint64
	Zone    string
}

// A Peer is an entry of Group.Peers.
type Peer struct {
	ID            int
	Server        string // the address in use
	Service       string
	Name          string // as configured
	Backup        bool
	Weight        int
	State         string
	Active        uint64
	SSL           *SSL
	MaxConns      int
	Connections   uint64
	ConnectTime   Millis
	FirstByteTime Millis
	ResponseTime  Millis
	Sent          uint64
	Received      uint64
	Fails         uint64
	Unavail       uint64
	Health        Health
	Downtime      time.Duration
	Downstart     time.Time // zero if the peer has always been up
	Selected      time.Time // zero before the first session
}

// Millis is an average time in milliseconds.
type Millis struct {
	Measured bool
	Value    uint64
}

// Health is the result of the health checks of a peer.
type Health struct {
	Checks, Fails, Unhealthy uint64
	LastPassed               *bool // nil before the first check has ended
}

// A GroupServer is the configuration of a server of a group.
type GroupServer struct {
	ID          int
	Address     string // as given
	Service     string
	Weight      int
	MaxConns    int
	MaxFails    int
	FailTimeout string // as given
	SlowStart   string // as given
	Backup      bool
	Down        bool
	Drain       bool   // NGINX Plus has it in http only
	Parent      *int   // the server whose name this one is an address of
	Host        string // the name
}

// A ServerChange contains the members of a server that a request gives; the others are nil.
type ServerChange struct {
	Address     *string
	Service     *string
	Weight      *int
	MaxConns    *int
	MaxFails    *int
	FailTimeout *string
	SlowStart   *string
	Backup      *bool
	Down        *bool
	Drain       *bool
	DrainRate   *int // sessions to end per second with Drain; nil keeps them
}

// ZoneSync is the object /stream/zone_sync/.
type ZoneSync struct {
	NodesOnline, MsgsIn, MsgsOut, BytesIn, BytesOut uint64
	Zones                                           []SyncZone
}

// A SyncZone is an entry of ZoneSync.Zones.
type SyncZone struct {
	Name           string
	Total, Pending uint64
}
