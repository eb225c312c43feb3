package web

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

// Zones names the zones of status_zone of a configuration, each once.
type Zones struct {
	Servers, Locations []string
	TLS                []string // those of Servers that have an address with TLS
}

// AddServer adds the zone of a server.
func (z *Zones) AddServer(name string) { z.Servers = addName(z.Servers, name) }

// AddTLS adds the zone of a server that has an address with TLS.
func (z *Zones) AddTLS(name string) { z.TLS = addName(z.TLS, name) }

// AddLocation adds the zone of a location.
func (z *Zones) AddLocation(name string) { z.Locations = addName(z.Locations, name) }

func addName(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// A ZoneTable contains the counters of zones by name, through all reloads. The zero ZoneTable is empty. It
// is safe for concurrent use.
type ZoneTable struct{ all sync.Map }

// Get returns the counters of a zone.
func (t *ZoneTable) Get(name string) *Zone {
	z, known := t.all.Load(name)
	if !known {
		z, _ = t.all.LoadOrStore(name, &Zone{})
	}
	return z.(*Zone)
}

// A Zone counts the requests of the servers, or of the locations, with one status_zone. It is safe for
// concurrent use.
type Zone struct {
	processing                          atomic.Int64
	requests, discarded, received, sent atomic.Int64
	codes                               [maxCode - minCode]atomic.Int64
}

// The statuses that are counted.
const (
	minCode = 100
	maxCode = 600
)

// A ZoneSnapshot contains the counters of a zone at one time.
type ZoneSnapshot struct {
	Processing, Requests, Discarded, Received, Sent int64
	Classes                                         [5]int64 // responses 1xx to 5xx
	Codes                                           []Code   // those with responses, ascending
}

// A Code is the number of responses with one status.
type Code struct {
	Status int
	Count  int64
}

// Snapshot returns the counters.
func (z *Zone) Snapshot() ZoneSnapshot {
	s := ZoneSnapshot{
		Processing: z.processing.Load(), Requests: z.requests.Load(), Discarded: z.discarded.Load(),
		Received: z.received.Load(), Sent: z.sent.Load(),
	}
	for i := range z.codes {
		if n := z.codes[i].Load(); n > 0 {
			s.Classes[i/100] += n
			s.Codes = append(s.Codes, Code{minCode + i, n})
		}
	}
	return s
}

// Reset sets the counters to zero, except for the requests in progress.
func (z *Zone) Reset() {
	for _, n := range [...]*atomic.Int64{&z.requests, &z.discarded, &z.received, &z.sent} {
		n.Store(0)
	}
	for i := range z.codes {
		z.codes[i].Store(0)
	}
}

// enterZone counts a request as being processed by its server.
func (r *Request) enterZone() {
	if name := r.Server.Zone; name != "" {
		r.zone = r.Env.Counters.Servers.Get(name)
		r.zone.processing.Add(1)
	}
}

// countInZones counts the end of the request: in the zone of its server, and in that of the location where
// its processing has ended.
func (r *Request) countInZones() {
	if r.zone != nil {
		r.zone.processing.Add(-1)
		r.zone.count(r)
	}
	if name := r.Location.Zone; name != "" {
		r.Env.Counters.Locations.Get(name).count(r)
	}
}

// count counts one request.
func (z *Zone) count(r *Request) {
	z.requests.Add(1)
	z.received.Add(r.length())
	if !r.Writer.begun || r.status < minCode || r.status >= maxCode || r.status == statusClose {
		z.discarded.Add(1)
		return
	}
	z.codes[r.status-minCode].Add(1)
	z.sent.Add(r.Writer.sent + headerLength(r.status, r.Writer.header))
}

// headerLength returns the length of the header of a response, with the date that net/http adds.
func headerLength(status int, h http.Header) int64 {
	n := len("HTTP/1.1 200 \r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\n\r\n") + len(http.StatusText(status))
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return int64(n)
}
