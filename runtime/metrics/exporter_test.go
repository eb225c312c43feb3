package metrics_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"weir/runtime/api"
	"weir/runtime/metrics"
)

// exported are the metrics of nginx-prometheus-exporter for stream, by their type and labels.
var exported = []struct{ kind, labels, names string }{
	{"gauge", "", `up connections_active connections_idle http_requests_current license_expiration_timestamp_seconds
		license_reporting_healthy license_reporting_fails_count license_reporting_grace_period_seconds`},
	{"counter", "", `connections_accepted connections_dropped http_requests_total ssl_handshakes ssl_handshakes_failed ssl_session_reuses`},
	{"gauge", "server_zone", "stream_server_zone_processing"},
	{"counter", "code server_zone", "stream_server_zone_sessions"},
	{"counter", "server_zone", `stream_server_zone_connections stream_server_zone_discarded stream_server_zone_received
		stream_server_zone_sent stream_server_zone_ssl_handshakes stream_server_zone_ssl_handshakes_failed
		stream_server_zone_ssl_session_reuses`},
	{"gauge", "upstream", "stream_upstream_zombies"},
	{"gauge", "server upstream", `stream_upstream_server_state stream_upstream_server_active stream_upstream_server_limit
		stream_upstream_server_connect_time stream_upstream_server_first_byte_time stream_upstream_server_response_time`},
	{"counter", "server upstream", `stream_upstream_server_connections stream_upstream_server_sent stream_upstream_server_received
		stream_upstream_server_fails stream_upstream_server_unavail stream_upstream_server_ssl_handshakes
		stream_upstream_server_ssl_handshakes_failed stream_upstream_server_ssl_session_reuses
		stream_upstream_server_health_checks_checks stream_upstream_server_health_checks_fails
		stream_upstream_server_health_checks_unhealthy`},
	{"counter", "zone", `stream_limit_connection_passed stream_limit_connection_rejected stream_limit_connection_rejected_dry_run`},
	{"counter", "resolver", `resolver_name resolver_srv resolver_addr resolver_noerror resolver_formerr resolver_servfail
		resolver_nxdomain resolver_notimp resolver_refused resolver_timedout resolver_unknown`},
	{"counter", "id pid", "worker_connection_accepted worker_connection_dropped worker_http_requests_total"},
	{"gauge", "id pid", "worker_connection_active worker_connection_idle worker_http_requests_current"},
}

var labelName = regexp.MustCompile(`(\w+)="`)

// TestExporter checks the names, types and labels of the exporter. Series of an address that a group
// has twice also have its ID.
func TestExporter(t *testing.T) {
	samples, kinds := scrape(t, "", "text/plain")
	labels := map[string]string{}
	for series := range samples {
		found := labelName.FindAllStringSubmatch(series, -1)
		var names []string
		for _, l := range found[1:] {
			names = append(names, l[1])
		}
		slices.Sort(names)
		_, rest, _ := strings.Cut(series, `"`)
		name, _, _ := strings.Cut(rest, `"`)
		all := strings.Join(names, " ")
		if all == "id server upstream" {
			all = "server upstream"
		}
		labels[name] = all
	}
	for _, e := range exported {
		for name := range strings.FieldsSeq(e.names) {
			name = "nginxplus_" + name
			if got, shown := labels[name]; !shown || got != e.labels || kinds[name] != e.kind {
				t.Errorf("%s: %s with labels %q, shown: %v, want %s with %q", name, kinds[name], got, shown, e.kind, e.labels)
			}
		}
	}
}

// A statesSource has a peer in each state, whose address is the name of the state.
type statesSource struct{ fakeSource }

var states = []string{"up", "draining", "down", "unavail", "checking", "unhealthy"}

func (statesSource) UpstreamNames() []string { return []string{"brokers"} }

func (statesSource) Upstream(string) (api.Upstream, error) { return statesGroup{}, nil }

type statesGroup struct{ api.Upstream }

func (statesGroup) Stats() *api.Group {
	all := &api.Group{}
	for i, s := range states {
		all.Peers = append(all.Peers, api.Peer{ID: i, Server: s, State: s})
	}
	return all
}

// TestStates checks the numbers of states: up 1, draining 2, down 3, unavail 4, checking 5, unhealthy 6.
func TestStates(t *testing.T) {
	text := string(metrics.Append(nil, statesSource{}, false))
	for i, s := range states {
		want := regexp.MustCompile(`(?m)^nginxplus_stream_upstream_server_state\{[^}]*server="` + s + `"[^}]*\} ` + string(rune('1'+i)) + `$`)
		if !want.MatchString(text) {
			t.Errorf("the state %s is not %d", s, i+1)
		}
	}
}
