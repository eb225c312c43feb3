package metrics_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"weir/runtime/metrics"
)

// scrape reads the metrics with Prometheus' parser. It returns the samples and the type of each family.
func scrape(t *testing.T, accept, contentType string) (samples map[string]float64, kinds map[string]string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	metrics.Serve(fakeSource{}, w, r)
	if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, contentType) {
		t.Fatalf("content type %q, want %q", got, contentType)
	}
	p, err := textparse.New(w.Body.Bytes(), w.Header().Get("Content-Type"), labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	samples, kinds = map[string]float64{}, map[string]string{}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return samples, kinds
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, w.Body)
		}
		switch entry {
		case textparse.EntryType:
			name, kind := p.Type()
			if _, seen := kinds[string(name)]; seen {
				t.Errorf("family %s twice", name)
			}
			kinds[string(name)] = string(kind)
		case textparse.EntrySeries:
			var l labels.Labels
			p.Labels(&l)
			_, _, value := p.Series()
			if _, seen := samples[l.String()]; seen {
				t.Errorf("series %s twice", l)
			}
			samples[l.String()] = value
		}
	}
}

var wanted = map[string]float64{
	`{__name__="nginxplus_up"}`:                   1,
	`{__name__="nginxplus_connections_accepted"}`: 10,
	`{__name__="nginxplus_http_requests_total"}`:  12,
	`{__name__="nginxplus_stream_server_zone_sessions", code="2xx", server_zone="a \"quoted\"\\\n` + "\uFFFD" + `"}`:         5,
	`{__name__="nginxplus_stream_server_zone_ssl_handshakes", server_zone="a \"quoted\"\\\n` + "\uFFFD" + `"}`:               1,
	`{__name__="nginxplus_server_zone_responses", code="4xx", server_zone="web"}`:                                            2,
	`{__name__="nginxplus_server_zone_responses_codes", code="404", server_zone="web"}`:                                      2,
	`{__name__="nginxplus_server_zone_ssl_handshakes", server_zone="web"}`:                                                   1,
	`{__name__="nginxplus_location_zone_requests", location_zone="api"}`:                                                     3,
	`{__name__="nginxplus_stream_upstream_server_connect_time", id="4", server="127.0.0.1:1883", upstream="brokers"}`:        0,
	`{__name__="nginxplus_stream_upstream_zombies", upstream="brokers"}`:                                                     1,
	`{__name__="nginxplus_stream_upstream_server_state", server="127.0.0.1:1883", upstream="brokers"}`:                       1,
	`{__name__="nginxplus_stream_upstream_server_state", id="4", server="127.0.0.1:1883", upstream="brokers"}`:               6,
	`{__name__="nginxplus_stream_upstream_server_connect_time", server="127.0.0.1:1883", upstream="brokers"}`:                3,
	`{__name__="nginxplus_stream_upstream_server_health_checks_fails", id="4", server="127.0.0.1:1883", upstream="brokers"}`: 3,
	`{__name__="nginxplus_stream_limit_connection_rejected_dry_run", zone="addr"}`:                                           7,
	`{__name__="nginxplus_resolver_unknown", resolver="names"}`:                                                              3,
	`{__name__="nginxplus_worker_connection_accepted", id="1", pid="7"}`:                                                     0,
	`{__name__="weir_config_generation"}`:                                                                                    3,
	`{__name__="weir_config_reloads_total", outcome="failure"}`:                                                              1,
	`{__name__="weir_config_last_reload_successful"}`:                                                                        0,
	`{__name__="weir_config_last_reload_duration_seconds"}`:                                                                  0.012,
	`{__name__="weir_config_last_reload_success_timestamp_seconds"}`:                                                         float64(began.Unix()),
	`{__name__="weir_old_sessions"}`:                                                                                         4,
	`{__name__="weir_mqtt_connects_total", server_zone="mqtt", version="3.1.1"}`:                                             5,
	`{__name__="weir_mqtt_connacks_total", code="135", server_zone="mqtt"}`:                                                  1,
	`{__name__="weir_mqtt_connack_seconds_bucket", le="0.001", server_zone="mqtt"}`:                                          3,
	`{__name__="weir_mqtt_connack_seconds_count", server_zone="mqtt"}`:                                                       7,
	`{__name__="weir_mqtt_connack_seconds_sum", server_zone="mqtt"}`:                                                         5,
	`{__name__="weir_ring_share", id="4", server="127.0.0.1:1883", upstream="brokers"}`:                                      0.75,
	`{__name__="process_max_fds"}`:                                                                                           1024,
}

// TestFormats reads both formats with Prometheus' parser.
func TestFormats(t *testing.T) {
	for accept, contentType := range map[string]string{
		"":    "text/plain; version=0.0.4",
		"*/*": "text/plain; version=0.0.4",
		"application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5": "application/openmetrics-text; version=1.0.0",
	} {
		samples, kinds := scrape(t, accept, contentType)
		for series, want := range wanted {
			series = strings.Replace(series, `le="1"`, `le="1.0"`, 1)
			if got, ok := samples[series]; !ok || got != want {
				t.Errorf("%s: %s is %v, %v, want %v", contentType, series, got, ok, want)
			}
		}
		if n := len(samples); n < 80 {
			t.Errorf("%s: %d samples", contentType, n)
		}
		if kinds["nginxplus_stream_upstream_server_state"] != "gauge" || kinds["weir_mqtt_connack_seconds"] != "histogram" {
			t.Errorf("%s: types %v", contentType, kinds)
		}
	}
}

// TestUncheckedPeers follows the exporter: a peer without checks has no series for them.
func TestUncheckedPeers(t *testing.T) {
	samples, _ := scrape(t, "", "text/plain")
	if _, shown := samples[`{__name__="nginxplus_stream_upstream_server_health_checks_checks", server="127.0.0.1:1883", upstream="brokers"}`]; shown {
		t.Error("a peer without health checks has a number of checks")
	}
}

// TestMethods checks that a scrape changes nothing and that HEAD has no body.
func TestMethods(t *testing.T) {
	for method, want := range map[string]int{http.MethodGet: 200, http.MethodHead: 200, http.MethodPost: 405, http.MethodDelete: 405} {
		w := httptest.NewRecorder()
		metrics.Serve(fakeSource{}, w, httptest.NewRequest(method, "/metrics", nil))
		if w.Code != want {
			t.Errorf("%s: status %d, want %d", method, w.Code, want)
		}
		if method == http.MethodHead && w.Body.Len() > 0 {
			t.Errorf("HEAD: a body of %d bytes", w.Body.Len())
		}
	}
}

// BenchmarkScrape measures a scrape of two peers.
func BenchmarkScrape(b *testing.B) {
	var text []byte
	for b.Loop() {
		text = metrics.Append(text[:0], fakeSource{}, false)
	}
}
