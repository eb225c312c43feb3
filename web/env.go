package web

import (
	"net/http"
	"sync/atomic"
	"time"

	"weir/internal/errorlog"
)

// An Env is what a process provides to requests. Its hooks may be nil: then the locations that need them
// answer 404.
type Env struct {
	Now      func() time.Time
	NextID   func() uint64 // numbers connections
	Log      *errorlog.Log // of the process
	Hostname string        // in lower case
	PID      int
	Counters *Counters
	// API answers a request to a location with api. A status 413 is answered by the server's page.
	API func(w http.ResponseWriter, r *http.Request, call APICall)
	// Handshakes returns the counters of handshakes of a server zone; for "" those of the process.
	Handshakes func(zone string) Handshakes
	// Metrics answers a request to a location with prometheus, or js_content prometheus.metrics.
	Metrics func(w http.ResponseWriter, r *http.Request)
	// Dashboard answers a request for /dashboard.html that no file answers.
	Dashboard func(w http.ResponseWriter, r *http.Request)
}

// An APICall is what a location passes on to the API.
type APICall struct {
	Path      string // the rest of the URI after the location's prefix, in which escapes are not decoded
	Write     bool   // the parameter of api
	BodyLimit int64  // client_body_buffer_size
	RequestID string // $request_id
}

// Counters count the connections and requests of the http blocks of a process, through all reloads. They
// are safe for concurrent use.
type Counters struct {
	Accepted atomic.Int64 // connections
	Handled  atomic.Int64 // connections that were not closed at once because of a limit
	Active   atomic.Int64 // connections that are open now
	Requests atomic.Int64 // all requests
	Current  atomic.Int64 // requests in progress
	Reading  atomic.Int64 // connections whose request header is being read

	Servers, Locations ZoneTable
}

// Idle returns the number of open connections without a request.
func (c *Counters) Idle() int64 { return max(0, c.Active.Load()-c.Current.Load()-c.Reading.Load()) }
