// Package web serves HTTP: the API, metrics, status pages and static files, by the rules of nginx's
// http block. A Config is compiled from the configuration and immutable; a Request goes through its
// phases. The package opens no sockets.
package web

import (
	"net/netip"
	"time"

	"weir/internal/errorlog"
	"weir/internal/hostname"
	"weir/stream"
)

// A Config is a compiled http block. It is immutable once compiled.
type Config struct {
	Listens []*Listen
	Vars    *VarTable
	Zones   Zones
}

// NewConfig returns an empty Config, to be filled by one goroutine.
func NewConfig() *Config { return &Config{Vars: NewVarTable()} }

// A Listen is one address on which requests arrive.
//
// See listen in https://nginx.org/en/docs/http/ngx_http_core_module.html.
type Listen struct {
	Config        *Config
	Socket        *stream.Listen // the address and the options of the socket
	Default       *Server
	Names         *Names // the servers by name; nil if there is only one
	ProxyProtocol bool   // a PROXY header comes first
	TLS           bool
	// Inner lists specific addresses that share this wildcard socket; the local address of each
	// connection selects one. It may be nil.
	Inner map[netip.Addr]*Listen
}

// At returns the listen for connections to the local address.
func (l *Listen) At(local netip.Addr) *Listen {
	if inner := l.Inner[local.Unmap()]; inner != nil {
		return inner
	}
	return l
}

// AddInner adds a specific address that shares the wildcard socket.
func (l *Listen) AddInner(ip netip.Addr, inner *Listen) {
	if l.Inner == nil {
		l.Inner = map[netip.Addr]*Listen{}
	}
	l.Inner[ip] = inner
}

// Find returns the server of a normalized host name: the default server if none has the name. r keeps the groups of
// a pattern; it may be nil.
func (l *Listen) Find(r *Request, name string) *Server {
	if l.Names == nil || name == "" {
		return l.Default
	}
	if s := l.Names.Find(name, func(re *Regex) bool { return re.Match(r, name) }); s != nil {
		return s
	}
	return l.Default
}

// A Server is one server block, compiled.
type Server struct {
	Name          string // the first server name
	Origin        string // "FILE:LINE"
	Zone          string // of status_zone; empty without one
	Rewrite       []Rewriter
	Base          *Location // the settings outside all locations
	Locations     *Locations
	Named         map[string]*Location // by name, with the @
	HeaderTimeout time.Duration
	MergeSlashes  bool
	TLS           *TLS // nil without a certificate
}

// Names maps host names to the servers of one address.
type Names = hostname.Map[*Server, Regex]

// A Location is one location block, compiled, or another block with settings of its own: the server
// outside all locations, an if, a limit_except.
type Location struct {
	Kind      Kind
	Name      string // the prefix or path; the name with its @; the pattern
	Pattern   *Regex // of kind Matching
	Inner     *Locations
	Internal  bool
	Zone      string // of status_zone; may be empty
	Rewrite   []Rewriter
	Access    []Checker
	AnyAccess bool // satisfy any
	Except    *Except
	Try       TryHandler // before the content; may be nil
	Content   Content    // nil serves files
	Files     Content    // serves files
	Loggers   []Logger
	ErrorLog  *errorlog.Log
	Settings  Settings
}

// Settings are the values of a location that belong to the core.
type Settings struct {
	ErrorPages        []ErrorPage
	Headers           []Header
	Types             map[string]string // by extension, in lower case
	DefaultType       string
	BodyBuffer        int64 // client_body_buffer_size
	MaxBody           int64 // client_max_body_size; 0 is no limit
	BodyTimeout       time.Duration
	SendTimeout       time.Duration
	KeepaliveTimeout  time.Duration // 0 closes the connection after the response
	KeepaliveRequests int64
	Product           Template // of the Server header; empty sends none
	LogNotFound       bool
	AbsoluteRedirect  bool
	Root              Template // or alias
	Alias             bool     // Root replaces the location's prefix
	AliasWhole        bool     // Root is the whole path, in a location with a pattern
}

// An ErrorPage is the replacement of a response with an error.
type ErrorPage struct {
	Status   int
	To       Template
	Override int // KeepStatus, or the status of the response; 0 means that of the replacement
}

// KeepStatus as the Override of an ErrorPage keeps the status of the error.
const KeepStatus = -1

// A Header is one add_header.
type Header struct {
	Name   string
	Value  Template
	Always bool // also in responses with errors
}

// Except is a limit_except: requests of other methods have the settings of Location.
type Except struct {
	Methods  []string
	Location *Location
}

// The phases of a request call these. Values of them are shared by all requests.
type (
	// A Rewriter is a directive of ngx_http_rewrite_module.
	Rewriter interface{ Rewrite(r *Request) Outcome }
	// A Checker decides about access: 0 has no opinion, 200 grants access, another status refuses it.
	Checker interface{ Check(r *Request) int }
	// A TryHandler is called before the content.
	TryHandler interface{ Try(r *Request) Outcome }
	// Content answers a request.
	Content interface{ Serve(r *Request) Outcome }
	// A Logger is called after the response.
	Logger interface{ Log(r *Request) }
)
