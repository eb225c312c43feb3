package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"weir/conformance/ports"
	"weir/internal/testwait"
	"weir/runtime"
	"weir/stream"
)

// A restAPI sends requests to the API of a site.
type restAPI struct {
	*served
	base string // with the version
}

// httpPreamble is the beginning of a configuration, up to the servers of http {}.
const httpPreamble = "pid n.pid; error_log e.log info; events { worker_connections 100; } http { access_log off;"

// withAPI serves a site with a read-write API and further text in stream, in which $ECHO is the server.
func withAPI(t *testing.T, streamText string) restAPI {
	t.Helper()
	s := newSite(t)
	addr := ports.Reserve(t).String()
	if streamText != "" {
		streamText = "stream { " + strings.NewReplacer("$ECHO", s.echo, "$ADDR", s.addr).Replace(streamText) + " }"
	}
	write(t, s.path("nginx.conf"), httpPreamble+fmt.Sprintf(`
			server {
				listen %s;
				status_zone web;
				location /api { status_zone location_test; api write=on; client_body_buffer_size 1k; }
				location /readonly/ { api; }
			}
		}
		%s`, addr, streamText))
	return restAPI{s.front(), "http://" + addr + "/api/9/"}
}

// ask returns the answer to a request.
func (a restAPI) ask(method, path, body string) (*http.Response, string) {
	a.t.Helper()
	url := a.base + path
	if strings.HasPrefix(path, "http:") {
		url = path
	}
	return fetch(a.t, http.DefaultClient, method, url, body)
}

// fetch sends a request, and returns the answer and its body.
func fetch(t *testing.T, client *http.Client, method, url, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// want sends a request and checks the answer: the whole body, or with an error status the code.
func (a restAPI) want(method, path, body string, status int, text string) {
	a.t.Helper()
	answer, got := a.ask(method, path, body)
	ok := got == text
	if status >= 400 {
		ok = strings.Contains(got, `"code":"`+text+`"`)
	}
	if answer.StatusCode != status || !ok {
		a.t.Errorf("%s %s %s: %d %s, want %d %s", method, path, body, answer.StatusCode, got, status, text)
	}
}

// get stores the answer to a GET in to.
func (a restAPI) get(path string, to any) {
	a.t.Helper()
	answer, text := a.ask("GET", path, "")
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "application/json" {
		a.t.Fatalf("GET %s: %d %v %s", path, answer.StatusCode, answer.Header, text)
	}
	if err := json.Unmarshal([]byte(text), to); err != nil {
		a.t.Fatalf("GET %s: %v: %s", path, err, text)
	}
}

const apiServer = `server { listen $ADDR; proxy_pass brokers; status_zone mqtt; limit_conn addr 10; }
	limit_conn_zone $binary_remote_addr zone=addr:1m;
	keyval_zone zone=one:32k timeout=1h;
	upstream brokers { zone brokers 64k; server $ECHO; }`

// statistics are the paths that the vendor's client reads for its statistics; all must answer. The
// vendor's dashboard asks for them with a slash at the end.
var statistics = []string{
	"", "nginx", "http/caches", "processes", "slabs", "http/requests", "ssl", "http/server_zones", "http/upstreams", "http/location_zones",
	"resolvers", "http/limit_reqs", "http/limit_conns", "workers", "stream", "stream/server_zones", "stream/upstreams", "stream/limit_conns",
	"connections", "license",
}

// TestAPIStatistics reads what the vendor's client reads, during a session and after it.
func TestAPIStatistics(t *testing.T) {
	a := withAPI(t, apiServer)
	for _, path := range statistics {
		var any any
		a.get(path, &any)
		a.get(path+"/", &any)
	}
	var nginx struct {
		Version, Build, Address string
		Generation, PID         int
	}
	a.get("nginx", &nginx)
	if nginx.Version != stream.NginxVersion || nginx.Build != "weir-"+runtime.Version+"-r37" || nginx.Address != "127.0.0.1" || nginx.Generation != 1 ||
		nginx.PID != a.pid {
		t.Errorf("nginx: %+v", nginx)
	}
	c := a.dial(a.addr)
	var zone struct{ Processing, Connections, Received, Sent int }
	a.get("stream/server_zones/mqtt", &zone)
	if zone.Processing != 1 || zone.Connections != 1 || zone.Received != 1 || zone.Sent != 1 {
		t.Errorf("zone during the session: %+v", zone)
	}
	var group struct {
		Peers []struct {
			ID, Active, Connections, Sent, Received int
			Server, Name, State                     string
		}
		Zone string
	}
	a.get("stream/upstreams/brokers", &group)
	if len(group.Peers) != 1 || group.Zone != "brokers" {
		t.Fatalf("group: %+v", group)
	}
	if p := group.Peers[0]; p.Server != a.echo || p.Name != a.echo || p.State != "up" || p.Active != 1 || p.Connections != 1 || p.Sent != 1 || p.Received != 1 {
		t.Errorf("peer during the session: %+v", p)
	}
	var connections struct{ Accepted, Active, Idle int }
	a.get("connections", &connections)
	if connections.Accepted < 2 || connections.Active < 2 {
		t.Errorf("connections: %+v, want the session and the request", connections)
	}
	c.Close()
	testwait.Eventually(t, "the end of the session", func() bool {
		a.get("stream/server_zones/mqtt", &zone)
		return zone.Processing == 0
	})
	a.want("DELETE", "stream/server_zones/mqtt", "", 204, "")
	a.want("GET", "stream/server_zones/mqtt?fields=connections", "", 200, `{"connections":0}`)
	a.want("DELETE", "stream/upstreams/brokers", "", 204, "")
	a.want("DELETE", "connections", "", 204, "")
	a.want("GET", "connections?fields=accepted", "", 200, `{"accepted":0}`)
}

// TestAPIRequests checks the zones of http and the counters of requests.
func TestAPIRequests(t *testing.T) {
	a := withAPI(t, apiServer)
	a.want("GET", "none", "", 404, "PathNotFound")
	var zones map[string]struct {
		Processing, Requests int
		Responses            struct {
			Codes map[string]int
			Total int
		}
	}
	a.get("http/server_zones", &zones)
	if z := zones["web"]; len(zones) != 1 || z.Processing != 1 || z.Requests != 1 || z.Responses.Codes["404"] != 1 || z.Responses.Total != 1 {
		t.Errorf("zones of servers: %+v", zones)
	}
	a.get("http/location_zones", &zones)
	if z := zones["location_test"]; z.Requests != 2 || z.Responses.Codes["200"] != 1 {
		t.Errorf("zones of locations: %+v", zones)
	}
	a.want("GET", "http/requests", "", 200, `{"total":4,"current":1}`)
	a.want("DELETE", "http/requests", "", 204, "")
	a.want("GET", "http/requests", "", 200, `{"total":1,"current":1}`)
	a.want("DELETE", "http/server_zones/web", "", 204, "")
	a.want("DELETE", "http/location_zones/none", "", 404, "LocationZoneNotFound")
}

// TestAPISlabs checks the memory of the zones of each kind.
func TestAPISlabs(t *testing.T) {
	a := withAPI(t, apiServer)
	a.want("POST", "stream/keyvals/one", `{"a":"1"}`, 201, "")
	a.dial(a.addr)
	var slabs map[string]struct {
		Pages struct{ Used, Free int }
		Slots map[string]struct{ Used, Reqs int }
	}
	a.get("slabs", &slabs)
	for name, used := range map[string]int{"addr": 1, "one": 1, "brokers": 1} {
		if s := slabs[name]; s.Pages.Used < used || s.Pages.Free == 0 || len(s.Slots) != 9 {
			t.Errorf("%s: %+v, want %d used pages, free ones and 9 slots", name, s, used)
		}
	}
	if len(slabs) != 3 {
		t.Errorf("got %d zones, want 3", len(slabs))
	}
	a.want("DELETE", "slabs/one", "", 204, "")
	a.want("DELETE", "slabs/brokers", "", 204, "")
	a.get("slabs", &slabs)
	for size, slot := range slabs["one"].Slots {
		if slot.Reqs != 0 {
			t.Errorf("after a reset: slot %s has %+v", size, slot)
		}
	}
}

// TestAPIServers reconciles the servers of a group as the vendor's client does.
func TestAPIServers(t *testing.T) {
	const rest = `"weight":1,"max_conns":0,"max_fails":1,"fail_timeout":"10s","slow_start":"0s","backup":false,"down":`
	a := withAPI(t, `server { listen $ADDR; proxy_pass brokers; } upstream brokers { zone brokers 64k; }
		upstream fixed { server 127.0.0.1:1; } server { listen unix:fixed.sock; proxy_pass fixed; }`)
	a.want("GET", "stream/upstreams/brokers/servers", "", 200, `[]`)
	server := `"server":"` + a.echo + `"`
	a.want("POST", "stream/upstreams/brokers/servers/", `{`+server+`}`, 201, `{"id":0,`+server+`,`+rest+`false}`)
	session := a.dial(a.addr)
	a.want("POST", "stream/upstreams/brokers/servers/", `{`+server+`}`, 409, "EntryExists")
	a.want("PATCH", "stream/upstreams/brokers/servers/0/", `{`+server+`,`+rest+`true}`, 200, `{"id":0,`+server+`,`+rest+`true}`)
	a.ping(session) // a server that is down keeps its sessions
	a.want("PATCH", "stream/upstreams/brokers/servers/0", `{"drain":true}`, 200, `{"id":0,`+server+`,`+rest+`true,"drain":true}`)
	a.want("PATCH", "stream/upstreams/brokers/servers/0", `{"drain":false}`, 200, `{"id":0,`+server+`,`+rest+`true}`)
	a.want("POST", "stream/upstreams/brokers/servers", `{"server":"127.0.0.1:1","fail_timeout":"1m"}`, 201,
		`{"id":1,"server":"127.0.0.1:1",`+strings.Replace(rest, "10s", "1m", 1)+`false}`)
	a.want("DELETE", "stream/upstreams/brokers/servers/1/", "", 200, `[{"id":0,`+server+`,`+rest+`true}]`)
	for _, c := range []struct{ method, path, body, code string }{
		{"POST", "servers", `{"server":"127.0.0.1"}`, "UpstreamBadAddress"},
		{"POST", "servers", `{"server":"127.0.0.1:99999"}`, "UpstreamBadAddress"},
		{"POST", "servers", `{"server":"broker.example:1883"}`, "UpstreamConfNoResolver"},
		{"POST", "servers", `{"server":"127.0.0.1:2","weight":0}`, "UpstreamBadWeight"},
		{"PATCH", "servers/0", `{"backup":true}`, "UpstreamConfFormatError"},
		{"PATCH", "servers/0", `{"id":5}`, "UpstreamConfFormatError"},
	} {
		a.want(c.method, "stream/upstreams/brokers/"+c.path, c.body, 400, c.code)
	}
	a.want("PATCH", "stream/upstreams/brokers/servers/7", `{}`, 404, "UpstreamServerNotFound")
	a.want("GET", "stream/upstreams/fixed/servers", "", 400, "UpstreamStatic")
	a.want("GET", "stream/upstreams/?fields=", "", 200, `{"brokers":{}}`)

	a.send(syscall.SIGHUP)
	a.wantLine(`\[notice\] PID: configuration generation 2 serves after .*`)
	a.want("GET", "nginx?fields=generation", "", 200, `{"generation":2}`)
	a.want("GET", "stream/upstreams/brokers/servers", "", 200, `[]`)
	a.want("POST", "stream/upstreams/brokers/servers/", `{`+server+`}`, 201, `{"id":0,`+server+`,`+rest+`false}`)
}

// TestAPIHealth checks that a new server is checked at once, whatever the interval, and that a check that fails raises neither fails
// nor unavail.
func TestAPIHealth(t *testing.T) {
	a := withAPI(t, `upstream brokers { zone brokers 64k; }
		server { listen $ADDR; proxy_pass brokers; health_check interval=1h; }`)
	closed := ports.Reserve(t).String()
	for _, server := range []string{a.echo, closed} {
		answer, text := a.ask("POST", "stream/upstreams/brokers/servers", `{"server":"`+server+`"}`)
		if answer.StatusCode != http.StatusCreated {
			t.Fatalf("POST: %d %s", answer.StatusCode, text)
		}
	}
	type peer struct {
		State          string
		Fails, Unavail int
		Health         struct {
			Checks, Fails, Unhealthy int
			LastPassed               *bool `json:"last_passed"`
		} `json:"health_checks"`
		Downstart, Selected string
	}
	var group struct{ Peers []peer }
	testwait.Eventually(t, "the first check of both", func() bool {
		a.get("stream/upstreams/brokers", &group)
		return group.Peers[0].Health.LastPassed != nil && group.Peers[1].Health.LastPassed != nil
	})
	up, bad := group.Peers[0], group.Peers[1]
	if !*up.Health.LastPassed || up.State != "up" || up.Health.Checks != 1 || up.Health.Fails != 0 || up.Selected != "" {
		t.Errorf("the healthy peer: %+v", up)
	}
	if *bad.Health.LastPassed || bad.State != "unhealthy" || bad.Health.Fails != 1 || bad.Health.Unhealthy != 1 || bad.Fails != 0 || bad.Unavail != 0 ||
		bad.Downstart == "" {
		t.Errorf("the unhealthy peer: %+v", bad)
	}
}

// TestAPIKeyvals changes a key-value zone as the vendor's client does.
func TestAPIKeyvals(t *testing.T) {
	a := withAPI(t, apiServer)
	a.want("GET", "stream/keyvals/one", "", 200, `{}`)
	a.want("POST", "stream/keyvals/one", `{"a":"1"}`, 201, "")
	a.want("POST", "stream/keyvals/one", `{"a":"2"}`, 409, "KeyvalKeyExists")
	a.want("PATCH", "stream/keyvals/one", `{"a":2}`, 204, "")
	a.want("GET", "stream/keyvals", "", 200, `{"one":{"a":"2"}}`)
	a.want("PATCH", "stream/keyvals/one", `{"a":null}`, 204, "")
	a.want("GET", "stream/keyvals/one?key=a", "", 404, "KeyvalKeyNotFound")
	a.want("DELETE", "stream/keyvals/one", "", 204, "")
	a.want("GET", "stream/keyvals/none", "", 404, "KeyvalNotFound")
}

// TestAPILimits checks a read-only location, and a body that does not fit into client_body_buffer_size.
func TestAPILimits(t *testing.T) {
	a := withAPI(t, apiServer)
	readOnly := strings.Replace(a.base, "/api/", "/readonly/", 1)
	a.want("GET", readOnly+"connections?fields=dropped", "", 200, `{"dropped":0}`)
	a.want("DELETE", readOnly+"connections", "", 405, "MethodDisabled")
	a.want("DELETE", readOnly+"http/upstreams/DASHBOARD_INIT/servers/__TEST_FOR_WRITE__/", "", 405, "MethodDisabled")
	answer, page := a.ask("POST", "stream/upstreams/brokers/servers/", strings.Repeat(" ", 1025))
	if answer.StatusCode != http.StatusRequestEntityTooLarge || !strings.HasPrefix(page, "<html>") {
		t.Errorf("a large body: %d %s, want the page of 413", answer.StatusCode, page)
	}
	a.want("POST", "stream/upstreams/brokers/servers/", strings.Repeat(" ", 1024), 415, "JsonError")
}

// TestAPIWithoutStream checks the lists of a process without a stream block.
func TestAPIWithoutStream(t *testing.T) {
	a := withAPI(t, "")
	a.want("GET", "", "", 200, `["nginx","processes","connections","slabs","http","resolvers","ssl","workers","license"]`)
	a.want("GET", "stream/server_zones", "", 404, "PathNotFound")
	a.want("GET", strings.TrimSuffix(a.base, "/9/"), "", 200, `[1,2,3,4,5,6,7,8,9]`)
}
