package stream

import (
	"net/netip"
	"time"

	"weir/internal/errorlog"
	"weir/internal/keyval"
	"weir/internal/logfile"
	"weir/stream/status"
)

// A Config is a compiled configuration. It is immutable once compiled; all sessions share it
// without locks.
type Config struct {
	Exists  bool // the configuration has a stream block
	Listens []*Listen
	Parts   []Part
	Vars    *VarTable
	Files   *logfile.Set // every log file that the configuration names
	Keyvals []*Keyval    // by name
	Status  status.Zones // what the API shows

	CloseBudget *Budget // the rate of endings for reasons of the operator, for sessions without a group; nil sets no limit
}

// NewConfig returns an empty Config, to be filled by one goroutine.
func NewConfig() *Config { return &Config{Vars: NewVarTable(), Files: &logfile.Set{}} }

// A Keyval is a zone of key-value pairs.
//
// See https://nginx.org/en/docs/stream/ngx_stream_keyval_module.html.
type Keyval struct {
	Name  string
	Store *keyval.Store // set when its part opens; configurations share it as long as the zone stays the same
}

// A Listen is one address on which sessions arrive.
//
// See listen in https://nginx.org/en/docs/stream/ngx_stream_core_module.html.
type Listen struct {
	Config        *Config
	Addr          Addr
	Options       ListenOptions
	Default       *Server
	Names         *ServerNames // the servers by name, for SelectServer; nil if there is no selection by name
	Origin        string       // "FILE:LINE" of the directive, for logs
	ProxyProtocol bool         // a PROXY header comes first
	TLS           bool         // a TLS handshake comes next; not for datagrams
	ReadsFiles    bool         // callbacks of its handshakes read files
	// Inner lists specific addresses that share this wildcard socket; the local address of each
	// connection selects one. It may be nil.
	Inner map[netip.Addr]*Listen
	// WantLocal is set for a wildcard if the local address of a connection matters; the driver then
	// asks the system for it.
	WantLocal bool
}

// ListenOptions are the parameters of a listen directive that configure its socket. They are
// comparable: a reload compares them.
type ListenOptions struct {
	Backlog   int  // -1 uses the system's limit
	RcvBuf    int  // 0 uses the system's default
	SndBuf    int  // 0 uses the system's default
	FastOpen  int  // 0 disables it
	Deferred  bool // TCP_DEFER_ACCEPT
	ReusePort bool
	IPv6Only  bool
	Bind      bool // a separate socket even if a wildcard covers the address
	Multipath bool // Multipath TCP
	KeepAlive KeepAlive
}

// KeepAlive is the so_keepalive parameter of listen.
type KeepAlive struct {
	Set      bool // the parameter is present
	On       bool
	Idle     time.Duration // 0 uses the system's default
	Interval time.Duration // 0 uses the system's default
	Count    int           // 0 uses the system's default
}

// A Server is one server block, compiled.
type Server struct {
	Origin   string               // "/etc/nginx/nginx.conf:12", for logs
	Handlers [NumPhases][]Handler // equal length in all servers; nil means no handler
	Filter   Filter               // nil leaves the client's bytes as they are
	Content  Content              // nil ends sessions with 500
	Loggers  []Logger
	Zone     *status.ServerZone // status_zone; nil counts nothing
	TLS      *ServerTLS         // not nil if any address of the server has TLS
	Settings Settings
}

// Settings are the server's values that belong to the core.
type Settings struct {
	Name                 string // the first server name, without a leading dot; a pattern keeps its ~; may be empty
	PrereadBufferSize    int
	PrereadTimeout       time.Duration
	ProxyProtocolTimeout time.Duration
	NoDelay              bool
	ErrorLog             *errorlog.Log
}
