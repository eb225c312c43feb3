package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir/internal/mqtt"
	"weir/runtime/api"
)

// fakeOwn is an Own with one object of each kind.
type fakeOwn struct{}

func (fakeOwn) Reloads() api.Reloads {
	return api.Reloads{Last: []api.Reload{
		{Generation: 1, Time: start, Took: 1500 * time.Microsecond}, {Time: start, Err: `unknown directive "x" in /n.conf:3`},
	}}
}

func (fakeOwn) MQTT() []api.MQTTZone {
	return []api.MQTTZone{{
		Name: "mqtt",
		Counts: &mqtt.Counts{
			V31: 1, V311: 2, V5: 3, Malformed: 4, WithoutClientID: 5, Connacks: []mqtt.CodeCount{{Code: 0, Count: 6}, {Code: 135, Count: 7}},
		},
	}}
}

func (fakeOwn) Rings() []api.Ring {
	return []api.Ring{{Upstream: "brokers", Key: "$mqtt_preread_clientid", Shares: []api.Share{{ID: 0, Share: 1.0 / 3}, {ID: 4, Share: 2.0 / 3}}}}
}

func (fakeOwn) Routes(key string) []api.Route {
	if key != "pump 17/ü" {
		return []api.Route{{Upstream: "brokers", Key: "$mqtt_preread_clientid"}}
	}
	return []api.Route{{Upstream: "brokers", Key: "$mqtt_preread_clientid", ID: 4, Server: "192.0.2.12:1883"}}
}

func (fakeOwn) Endings() []api.Ending {
	return []api.Ending{
		{Upstream: "brokers", ID: new(0), Server: "192.0.2.11:1883", Reason: "broker_drained", Sessions: 1350, Rate: 200},
		{Upstream: "brokers", Server: "192.0.2.13:1883", Reason: "broker_removed", Sessions: 1},
		{Reason: "shutdown", Sessions: 12, Rate: 100},
	}
}

// TestOwnObjects checks the objects that NGINX Plus does not have.
func TestOwnObjects(t *testing.T) {
	for target, want := range map[string]string{
		"/weir": `["reloads","mqtt","rings","route","endings","upstreams"]`,
		"/weir/endings": `[{"upstream":"brokers","id":0,"server":"192.0.2.11:1883","reason":"broker_drained","sessions":1350,"rate":200},` +
			`{"upstream":"brokers","server":"192.0.2.13:1883","reason":"broker_removed","sessions":1,"rate":0},` +
			`{"reason":"shutdown","sessions":12,"rate":100}]`,
		"/weir/reloads": `[{"generation":1,"time":"2026-11-29T17:00:00.007Z","took":1,"ok":true},` +
			`{"generation":0,"time":"2026-11-29T17:00:00.007Z","took":0,"ok":false,"message":"unknown directive \"x\" in /n.conf:3"}]`,
		"/weir/mqtt/":                        `{"mqtt":{"connect":{"3.1":1,"3.1.1":2,"5":3},"malformed":4,"without_client_id":5,"connack":{"0":6,"135":7}}}`,
		"/weir/rings":                        `{"brokers":{"key":"$mqtt_preread_clientid","shares":{"0":333333,"4":666667}}}`,
		"/weir/route?key=pump%2017%2F%C3%BC": `{"brokers":{"key":"$mqtt_preread_clientid","id":4,"server":"192.0.2.12:1883"}}`,
		"/weir/route":                        `{"brokers":{"key":"$mqtt_preread_clientid"}}`,
	} {
		if a := askOwn(fakeOwn{}, http.MethodGet, target); a.status != http.StatusOK || a.body != want {
			t.Errorf("%s: %d %s, want %s", target, a.status, a.body, want)
		}
	}
}

// TestOwnTreeIsNoVersion checks that the tree does not appear among the versions, and that nothing in it
// changes.
func TestOwnTreeIsNoVersion(t *testing.T) {
	for _, tt := range []struct {
		own            api.Own
		method, target string
		want           string
	}{
		{fakeOwn{}, http.MethodGet, "/", "[1,2,3,4,5,6,7,8,9]"},
		{nil, http.MethodGet, "/weir", "UnknownVersion"},
		{fakeOwn{}, http.MethodGet, "/weir/nginx", "PathNotFound"},
		{fakeOwn{}, http.MethodGet, "/9/weir", "PathNotFound"},
		{fakeOwn{}, http.MethodDelete, "/weir/reloads", "MethodDisabled"},
	} {
		if got := askOwn(tt.own, tt.method, tt.target).code(); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.method, tt.target, got, tt.want)
		}
	}
}

func askOwn(own api.Own, method, target string) answer {
	r := httptest.NewRequest(method, target, nil)
	w := httptest.NewRecorder()
	(&api.Server{Source: newFakeSource(), Own: own}).Serve(w, r, r.URL.EscapedPath(), writable)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// TestPatchDrain checks the request that drains a server at a rate.
func TestPatchDrain(t *testing.T) {
	const path, drained = "/weir/upstreams/mqtt/servers/1", `"slow_start":"0s","backup":false,"down":false,"drain":true}`
	for _, c := range []struct {
		target, body string
		rate         int
		want         string // the end of the answer, or its code
	}{
		{path, `{"drain":true,"rate":200}`, 200, drained},
		{path + "/", `{"rate":"1000000","drain":"true"}`, 1000000, drained},
		{path, `{"drain":true}`, 0, drained},
		{path, `{"drain":false}`, 0, `"slow_start":"0s","backup":false,"down":false}`},
		{path, `{"drain":false,"rate":1}`, 0, "UpstreamConfFormatError"},
		{path, `{"rate":1}`, 0, "UpstreamConfFormatError"},
		{path, `{"drain":true,"down":true}`, 0, "UpstreamConfFormatError"},
		{path, `{"drain":true,"rate":0}`, 0, "UpstreamBadDrainRate"},
		{path, `{"drain":true,"rate":1000001}`, 0, "UpstreamBadDrainRate"},
		{path, `{"drain":true,"rate":true}`, 0, "UpstreamConfFormatError"},
		{path, `{`, 0, "JsonError"},
		{"/weir/upstreams/none/servers/1", `{"drain":true}`, 0, "UpstreamNotFound"},
		{"/weir/upstreams/mqtt/servers/9", `{"drain":true}`, 0, "UpstreamServerNotFound"},
		{"/weir/upstreams/mqtt/servers/x", `{"drain":true}`, 0, "UpstreamBadServerId"},
		{"/weir/upstreams/mqtt", `{"drain":true}`, 0, "MethodDisabled"},
	} {
		source := newFakeSource()
		a := changeOwn(source, writable, c.target, c.body)
		if got := source.groups["mqtt"].rate; got != c.rate || !strings.HasSuffix(a.code(), c.want) {
			t.Errorf("%s %s: a rate of %d, %d %s, want %d, %s", c.target, c.body, got, a.status, a.body, c.rate, c.want)
		}
	}
	source := newFakeSource()
	if a := changeOwn(source, api.Options{}, path, `{"drain":true}`); a.code() != "MethodDisabled" || source.groups["mqtt"].servers[1].Drain {
		t.Errorf("without write=on: %d %s", a.status, a.body)
	}
	if a := ask(source, writable, http.MethodPatch, "/9/stream/upstreams/mqtt/servers/1", `{"drain":true,"rate":1}`); a.code() != "UpstreamConfFormatError" {
		t.Errorf("the tree of NGINX Plus has the rate: %d %s", a.status, a.body)
	}
}

func changeOwn(source api.Source, opt api.Options, target, body string) answer {
	r := httptest.NewRequest(http.MethodPatch, target, strings.NewReader(body))
	w := httptest.NewRecorder()
	(&api.Server{Source: source, Own: fakeOwn{}}).Serve(w, r, r.URL.EscapedPath(), opt)
	return answer{w.Code, w.Header(), w.Body.String()}
}
