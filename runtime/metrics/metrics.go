// Package metrics writes the state of the process for Prometheus: the metrics of
// nginx-prometheus-exporter under its names and labels, those of weir with the prefix weir_, and those
// of the process and of Go.
//
// See https://prometheus.io/docs/instrumenting/exposition_formats/ and
// https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md.
package metrics

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"weir/runtime/api"
)

// A Source provides the state. It is safe for concurrent use.
type Source interface {
	api.Source
	api.Own
	// Runtime returns the facts of the process that the API does not show.
	Runtime() Runtime
}

// Runtime is the facts of the process that the API does not show.
type Runtime struct {
	Version          string
	GoVersion        string
	Started          time.Time
	Loops            int
	OldSessions      uint64 // on configurations that are not current any more
	OpenDescriptors  uint64
	DescriptorsLimit uint64
}

// Content types of the two formats.
const (
	textType = "text/plain; version=0.0.4; charset=utf-8"
	openType = "application/openmetrics-text; version=1.0.0; charset=utf-8"
)

// buffers contains buffers for answers.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Serve answers a GET or HEAD request with all metrics, in the format that it accepts.
func Serve(s Source, w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	open := strings.Contains(r.Header.Get("Accept"), "application/openmetrics-text")
	room := buffers.Get().(*[]byte)
	defer buffers.Put(room)
	*room = Append((*room)[:0], s, open)
	text := *room
	h := w.Header()
	h.Set("Content-Type", textType)
	if open {
		h.Set("Content-Type", openType)
	}
	h.Set("Content-Length", strconv.Itoa(len(text)))
	if r.Method == http.MethodHead {
		return
	}
	w.Write(text) // an error means that the client has gone
}

// Append appends all metrics to b, in the format of OpenMetrics or in the text format of Prometheus.
func Append(b []byte, s Source, openMetrics bool) []byte {
	w := &writer{buf: b, openMetrics: openMetrics}
	w.process(s)
	w.httpAndTLS(s)
	w.httpZones("server_zone", s.HTTPZones(), httpServerColumns)
	w.httpZones("location_zone", s.LocationZones(), nil)
	if s.HasStream() {
		w.zones(s)
		w.upstreams(s)
		w.limits(s)
	}
	w.resolvers(s)
	w.workers(s)
	w.own(s)
	w.goProcess(s.Runtime())
	if openMetrics {
		w.buf = append(w.buf, "# EOF\n"...)
	}
	return w.buf
}

func (w *writer) process(s Source) {
	w.one("nginxplus_up", gauge, "Whether the process answers", 1)
	c := s.Connections()
	w.one("nginxplus_connections_accepted", counter, "Accepted client connections", c.Accepted)
	w.one("nginxplus_connections_dropped", counter, "Dropped client connections", c.Dropped)
	w.one("nginxplus_connections_active", gauge, "Active client connections", c.Active)
	w.one("nginxplus_connections_idle", gauge, "Idle client connections", c.Idle)
}

func (w *writer) httpAndTLS(s Source) {
	q := s.Requests()
	w.one("nginxplus_http_requests_total", counter, "Requests to the HTTP servers", q.Total)
	w.one("nginxplus_http_requests_current", gauge, "Requests that are being answered", q.Current)
	t := s.SSL()
	w.one("nginxplus_ssl_handshakes", counter, "Successful TLS handshakes", t.Handshakes)
	w.one("nginxplus_ssl_handshakes_failed", counter, "Failed TLS handshakes", t.HandshakesFailed)
	w.one("nginxplus_ssl_session_reuses", counter, "Resumed TLS sessions", t.SessionReuses)
	l := s.License()
	w.one("nginxplus_license_expiration_timestamp_seconds", gauge, "End of the license; weir needs none", uint64(l.ActiveTill.Unix()))
	w.one("nginxplus_license_reporting_healthy", gauge, "Whether usage is reported; weir reports nothing", flag(l.Healthy))
	w.one("nginxplus_license_reporting_fails_count", gauge, "Failed reports", l.Fails)
	w.one("nginxplus_license_reporting_grace_period_seconds", gauge, "Time left without a report", uint64(l.Grace/time.Second))
}

// A column is one family with a sample for each of several objects.
type column[T any] struct {
	name  string
	kind  kind
	help  string
	value func(*T) (uint64, bool) // false leaves the sample out
}

// always is the value of a column that every object has.
func always[T any](value func(*T) uint64) func(*T) (uint64, bool) {
	return func(v *T) (uint64, bool) { return value(v), true }
}

// A row is an object with its labels.
type row[T any] struct {
	labels []string
	value  *T
}

// table writes the columns of rows; one without any sample is left out.
func table[T any](w *writer, columns []column[T], rows []row[T]) {
	labels := make([][]byte, len(rows))
	for i, r := range rows {
		labels[i] = appendLabels(nil, r.labels)
	}
	for _, c := range columns {
		begun := false
		for i, r := range rows {
			value, ok := c.value(r.value)
			if !ok {
				continue
			}
			if !begun {
				w.family(c.name, c.kind, c.help)
				begun = true
			}
			w.labeled(value, labels[i])
		}
	}
}

// rowsOf returns the objects of a set, with their name as the only label.
func rowsOf[T any](label string, set api.Set[T]) []row[T] {
	var rows []row[T]
	for _, name := range set.Names() {
		if v := set.Get(name); v != nil {
			rows = append(rows, row[T]{[]string{label, name}, v})
		}
	}
	return rows
}

// ssl is a value of objects that count handshakes; like the exporter, it is 0 for the others.
func ssl[T any](of func(*T) *api.SSL, value func(*api.SSL) uint64) func(*T) (uint64, bool) {
	return always(func(v *T) uint64 {
		if s := of(v); s != nil {
			return value(s)
		}
		return 0
	})
}

func handshakes(s *api.SSL) uint64       { return s.Handshakes }
func handshakesFailed(s *api.SSL) uint64 { return s.HandshakesFailed }
func sessionReuses(s *api.SSL) uint64    { return s.SessionReuses }

func httpZoneSSL(z *api.HTTPZone) *api.SSL { return z.SSL }

// httpServerColumns are the families that only the zones of servers have.
var httpServerColumns = []column[api.HTTPZone]{
	{"nginxplus_server_zone_processing", gauge, "Requests that are being answered", always(func(z *api.HTTPZone) uint64 { return z.Processing })},
	{"nginxplus_server_zone_ssl_handshakes", counter, "Successful TLS handshakes", ssl(httpZoneSSL, handshakes)},
	{"nginxplus_server_zone_ssl_handshakes_failed", counter, "Failed TLS handshakes", ssl(httpZoneSSL, handshakesFailed)},
	{"nginxplus_server_zone_ssl_session_reuses", counter, "Resumed TLS sessions", ssl(httpZoneSSL, sessionReuses)},
}

// httpZones writes the zones of the HTTP servers, or of their locations. kind is the name of their label.
func (w *writer) httpZones(kind string, set api.Set[api.HTTPZone], only []column[api.HTTPZone]) {
	rows := rowsOf(kind, set)
	if len(rows) == 0 {
		return
	}
	prefix := "nginxplus_" + kind + "_"
	table(w, only, rows)
	table(w, []column[api.HTTPZone]{
		{prefix + "requests", counter, "Requests", always(func(z *api.HTTPZone) uint64 { return z.Requests })},
		{prefix + "discarded", counter, "Requests without a response", always(func(z *api.HTTPZone) uint64 { return z.Discarded })},
		{prefix + "received", counter, "Bytes from clients", always(func(z *api.HTTPZone) uint64 { return z.Received })},
		{prefix + "sent", counter, "Bytes to clients", always(func(z *api.HTTPZone) uint64 { return z.Sent })},
	}, rows)
	w.family(prefix+"responses", counter, "Responses by class of status")
	for _, r := range rows {
		for i, n := range r.value.Classes {
			w.sample(n, append(r.labels, "code", strconv.Itoa(i+1)+"xx")...)
		}
	}
	w.family(prefix+"responses_codes", counter, "Responses by status")
	for _, r := range rows {
		for _, c := range r.value.Codes {
			w.sample(c.Count, append(r.labels, "code", strconv.Itoa(c.Status))...)
		}
	}
}

func zoneSSL(z *api.StreamZone) *api.SSL { return z.SSL }

var zoneColumns = []column[api.StreamZone]{
	{"nginxplus_stream_server_zone_processing", gauge, "Sessions", always(func(z *api.StreamZone) uint64 { return z.Processing })},
	{"nginxplus_stream_server_zone_connections", counter, "Accepted connections", always(func(z *api.StreamZone) uint64 { return z.Connections })},
}

func (w *writer) zones(s Source) {
	rows := rowsOf("server_zone", s.StreamZones())
	table(w, zoneColumns, rows)
	if len(rows) > 0 {
		w.family("nginxplus_stream_server_zone_sessions", counter, "Ended sessions by class of status")
	}
	for _, r := range rows {
		w.sample(r.value.Sessions.Class2, append(r.labels, "code", "2xx")...)
		w.sample(r.value.Sessions.Class4, append(r.labels, "code", "4xx")...)
		w.sample(r.value.Sessions.Class5, append(r.labels, "code", "5xx")...)
	}
	table(w, zoneTraffic, rows)
}

var zoneTraffic = []column[api.StreamZone]{
	{
		"nginxplus_stream_server_zone_discarded", counter, "Connections without a session",
		always(func(z *api.StreamZone) uint64 { return z.Discarded }),
	},
	{"nginxplus_stream_server_zone_received", counter, "Bytes from clients", always(func(z *api.StreamZone) uint64 { return z.Received })},
	{"nginxplus_stream_server_zone_sent", counter, "Bytes to clients", always(func(z *api.StreamZone) uint64 { return z.Sent })},
	{"nginxplus_stream_server_zone_ssl_handshakes", counter, "Successful TLS handshakes", ssl(zoneSSL, handshakes)},
	{"nginxplus_stream_server_zone_ssl_handshakes_failed", counter, "Failed TLS handshakes", ssl(zoneSSL, handshakesFailed)},
	{"nginxplus_stream_server_zone_ssl_session_reuses", counter, "Resumed TLS sessions", ssl(zoneSSL, sessionReuses)},
}

// states are the numbers of the exporter for the states of a peer.
var states = map[string]uint64{"up": 1, "draining": 2, "down": 3, "unavail": 4, "checking": 5, "unhealthy": 6}

func peerSSL(p *api.Peer) *api.SSL { return p.SSL }

// millis is the value of a time; like the exporter, it is 0 until the time has been measured.
func millis(of func(*api.Peer) api.Millis) func(*api.Peer) (uint64, bool) {
	return always(func(p *api.Peer) uint64 { return of(p).Value })
}

// checked is a value of a peer that is checked. The exporter leaves out the others.
func checked(value func(*api.Health) uint64) func(*api.Peer) (uint64, bool) {
	return func(p *api.Peer) (uint64, bool) {
		h := &p.Health
		return value(h), h.Checks != 0 || h.Fails != 0 || h.Unhealthy != 0
	}
}

var peerColumns = []column[api.Peer]{
	{
		"nginxplus_stream_upstream_server_state", gauge, "1 up, 2 draining, 3 down, 4 unavail, 5 checking, 6 unhealthy",
		always(func(p *api.Peer) uint64 { return states[p.State] }),
	},
	{"nginxplus_stream_upstream_server_active", gauge, "Sessions", always(func(p *api.Peer) uint64 { return p.Active })},
	{"nginxplus_stream_upstream_server_limit", gauge, "max_conns; 0 means no limit", always(func(p *api.Peer) uint64 { return uint64(p.MaxConns) })},
	{
		"nginxplus_stream_upstream_server_connections", counter, "Sessions that chose the server",
		always(func(p *api.Peer) uint64 { return p.Connections }),
	},
	{
		"nginxplus_stream_upstream_server_connect_time", gauge, "Average time to connect in milliseconds",
		millis(func(p *api.Peer) api.Millis { return p.ConnectTime }),
	},
	{
		"nginxplus_stream_upstream_server_first_byte_time", gauge, "Average time to the first byte in milliseconds",
		millis(func(p *api.Peer) api.Millis { return p.FirstByteTime }),
	},
	{
		"nginxplus_stream_upstream_server_response_time", gauge, "Average time of a session in milliseconds",
		millis(func(p *api.Peer) api.Millis { return p.ResponseTime }),
	},
	{"nginxplus_stream_upstream_server_sent", counter, "Bytes to the server", always(func(p *api.Peer) uint64 { return p.Sent })},
	{"nginxplus_stream_upstream_server_received", counter, "Bytes from the server", always(func(p *api.Peer) uint64 { return p.Received })},
	{"nginxplus_stream_upstream_server_fails", counter, "Failed attempts", always(func(p *api.Peer) uint64 { return p.Fails })},
	{"nginxplus_stream_upstream_server_unavail", counter, "Times that max_fails was reached", always(func(p *api.Peer) uint64 { return p.Unavail })},
	{"nginxplus_stream_upstream_server_health_checks_checks", counter, "Health checks", checked(func(h *api.Health) uint64 { return h.Checks })},
	{"nginxplus_stream_upstream_server_health_checks_fails", counter, "Failed health checks", checked(func(h *api.Health) uint64 { return h.Fails })},
	{
		"nginxplus_stream_upstream_server_health_checks_unhealthy", counter, "Times that the server became unhealthy",
		checked(func(h *api.Health) uint64 { return h.Unhealthy }),
	},
	{"nginxplus_stream_upstream_server_ssl_handshakes", counter, "Successful TLS handshakes", ssl(peerSSL, handshakes)},
	{"nginxplus_stream_upstream_server_ssl_handshakes_failed", counter, "Failed TLS handshakes", ssl(peerSSL, handshakesFailed)},
	{"nginxplus_stream_upstream_server_ssl_session_reuses", counter, "Resumed TLS sessions", ssl(peerSSL, sessionReuses)},
}

func (w *writer) upstreams(s Source) {
	var rows []row[api.Peer]
	var zombies []row[uint64]
	for _, name := range s.UpstreamNames() {
		u, err := s.Upstream(name)
		if err != nil {
			continue // removed meanwhile
		}
		stats := u.Stats()
		zombies = append(zombies, row[uint64]{[]string{"upstream", name}, &stats.Zombies})
		rows = append(rows, peerRows(name, stats.Peers)...)
	}
	table(w, []column[uint64]{
		{"nginxplus_stream_upstream_zombies", gauge, "Removed servers that have sessions", always(func(n *uint64) uint64 { return *n })},
	}, zombies)
	table(w, peerColumns, rows)
}

// peerRows labels the peers of a group. Peers with the address of an earlier one have their ID as well,
// because labels must differ.
func peerRows(group string, peers []api.Peer) []row[api.Peer] {
	rows, seen := make([]row[api.Peer], len(peers)), map[string]bool{}
	for i := range peers {
		p := &peers[i]
		labels := []string{"upstream", group, "server", p.Server}
		if seen[p.Server] {
			labels = append(labels, "id", strconv.Itoa(p.ID))
		}
		seen[p.Server] = true
		rows[i] = row[api.Peer]{labels, p}
	}
	return rows
}

func (w *writer) limits(s Source) {
	table(w, []column[api.LimitConn]{
		{"nginxplus_stream_limit_connection_passed", counter, "Sessions within the limit", always(func(l *api.LimitConn) uint64 { return l.Passed })},
		{"nginxplus_stream_limit_connection_rejected", counter, "Sessions refused", always(func(l *api.LimitConn) uint64 { return l.Rejected })},
		{
			"nginxplus_stream_limit_connection_rejected_dry_run", counter, "Sessions that would be refused",
			always(func(l *api.LimitConn) uint64 { return l.RejectedDryRun }),
		},
	}, rowsOf("zone", s.LimitConns()))
}

func (w *writer) resolvers(s Source) {
	result := func(help string, name string, value func(*api.Resolver) uint64) column[api.Resolver] {
		return column[api.Resolver]{"nginxplus_resolver_" + name, counter, help, always(value)}
	}
	table(w, []column[api.Resolver]{
		result("Questions for the addresses of a name", "name", func(r *api.Resolver) uint64 { return r.Name }),
		result("Questions for SRV records", "srv", func(r *api.Resolver) uint64 { return r.Srv }),
		result("Questions for the name of an address", "addr", func(r *api.Resolver) uint64 { return r.Addr }),
		result("Answers", "noerror", func(r *api.Resolver) uint64 { return r.Noerror }),
		result("Answers with FORMERR", "formerr", func(r *api.Resolver) uint64 { return r.Formerr }),
		result("Answers with SERVFAIL", "servfail", func(r *api.Resolver) uint64 { return r.Servfail }),
		result("Answers with NXDOMAIN", "nxdomain", func(r *api.Resolver) uint64 { return r.Nxdomain }),
		result("Answers with NOTIMP", "notimp", func(r *api.Resolver) uint64 { return r.Notimp }),
		result("Answers with REFUSED", "refused", func(r *api.Resolver) uint64 { return r.Refused }),
		result("Questions without an answer in time", "timedout", func(r *api.Resolver) uint64 { return r.Timedout }),
		result("Answers with another code", "unknown", func(r *api.Resolver) uint64 { return r.UnknownResults }),
	}, rowsOf("resolver", s.Resolvers()))
}

func (w *writer) workers(s Source) {
	var rows []row[api.Worker]
	for _, worker := range s.Workers() {
		rows = append(rows, row[api.Worker]{[]string{"id", strconv.Itoa(worker.ID), "pid", strconv.Itoa(worker.PID)}, &worker})
	}
	table(w, []column[api.Worker]{
		{
			"nginxplus_worker_connection_accepted", counter, "Accepted client connections",
			always(func(w *api.Worker) uint64 { return w.Connections.Accepted }),
		},
		{
			"nginxplus_worker_connection_dropped", counter, "Dropped client connections",
			always(func(w *api.Worker) uint64 { return w.Connections.Dropped }),
		},
		{
			"nginxplus_worker_connection_active", gauge, "Active client connections",
			always(func(w *api.Worker) uint64 { return w.Connections.Active }),
		},
		{"nginxplus_worker_connection_idle", gauge, "Idle client connections", always(func(w *api.Worker) uint64 { return w.Connections.Idle })},
		{
			"nginxplus_worker_http_requests_total", counter, "Requests to the HTTP servers",
			always(func(w *api.Worker) uint64 { return w.Requests.Total }),
		},
		{
			"nginxplus_worker_http_requests_current", gauge, "Requests that are being answered",
			always(func(w *api.Worker) uint64 { return w.Requests.Current }),
		},
	}, rows)
}
