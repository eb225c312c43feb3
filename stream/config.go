package stream

import (
	"net/netip"
	"time"

	"weir/internal/errorlog"
	"weir/internal/logfile"
)

// A Config is what a configuration means. It is immutable once compiled; all sessions share it without locks.
type Config struct {
	Listens []*Listen
	Parts   []Part
	Vars    *VarTable
	Files   *logfile.Set // every log file that the configuration names
}

// NewConfig returns the Config of an empty configuration, to be filled by one goroutine.
func NewConfig() *Config { return &Config{Vars: NewVarTable(), Files: &logfile.Set{}} }

// A Listen is one address on which sessions arrive.
//
// See listen in https://nginx.org/en/docs/stream/ngx_stream_core_module.html.
type Listen struct {
	Config        *Config
	Addr          Addr
	Options       ListenOptions
	Default       *Server
	Names         *ServerNames // the servers by name, for SelectServer; nil where names do not matter
	Origin        string       // "FILE:LINE" of the directive, for logs
	ProxyProtocol bool         // a PROXY header comes first
	// Inner holds the addresses that this wildcard serves besides, without a socket of their own; the local address of
	// each connection decides. nil: none.
	Inner map[netip.Addr]*Listen
	// WantLocal is set for a wildcard when the local address of a connection matters; then the driver asks the system for it.
	WantLocal bool
}

// ListenOptions are the parameters of a listen directive that shape its socket. Comparable: a reload compares them.
type ListenOptions struct {
	Backlog   int  // -1: the system's limit
	RcvBuf    int  // 0: the system's
	SndBuf    int  // 0: the system's
	FastOpen  int  // 0: off
	Deferred  bool // TCP_DEFER_ACCEPT
	ReusePort bool
	IPv6Only  bool
	Bind      bool // a separate socket although a wildcard covers the address
	Multipath bool // Multipath TCP
	KeepAlive KeepAlive
}

// KeepAlive is the so_keepalive parameter of listen.
type KeepAlive struct {
	Set      bool // given at all
	On       bool
	Idle     time.Duration // 0: the system's
	Interval time.Duration // 0: the system's
	Count    int           // 0: the system's
}

// A Server is one server block, compiled.
type Server struct {
	Origin   string               // "/etc/nginx/nginx.conf:12", for logs
	Handlers [NumPhases][]Handler // equal length in all servers, nil where idle
	Filters  []Filter
	Content  Content // nil: sessions end with 500
	Loggers  []Logger
	Settings Settings
}

// Settings are a server's values that belong to no module but the core.
type Settings struct {
	Name                 string // the first name of the server, without a leading dot; a pattern with its ~; empty: none
	PrereadBufferSize    int
	PrereadTimeout       time.Duration
	ProxyProtocolTimeout time.Duration
	NoDelay              bool
	ErrorLog             *errorlog.Log
}
