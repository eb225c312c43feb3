package api_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"weir/runtime/api"
)

var update = flag.Bool("update", false, "write the golden files")

// An answer is what a client sees.
type answer struct {
	status int
	header http.Header
	body   string
}

// code returns the code of an error object, or the body if it is none.
func (a answer) code() string {
	var e struct{ Error struct{ Code string } }
	if json.Unmarshal([]byte(a.body), &e) != nil || e.Error.Code == "" {
		return a.body
	}
	return e.Error.Code
}

// writable are the options of a location with write=on.
var writable = api.Options{Write: true, RequestID: "00112233445566778899aabbccddeeff"}

// ask sends a request to a server with source s.
func ask(s api.Source, opt api.Options, method, target, body string) answer {
	path, query, _ := strings.Cut(target, "?")
	r := httptest.NewRequest(method, "/api?"+query, strings.NewReader(body))
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}))
	w := httptest.NewRecorder()
	(&api.Server{Source: s}).Serve(w, r, path, opt)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// get returns the body of a GET, which must succeed.
func get(t *testing.T, s api.Source, target string) string {
	t.Helper()
	a := ask(s, api.Options{}, "GET", target, "")
	if a.status != http.StatusOK {
		t.Fatalf("GET %s: status %d, %s", target, a.status, a.body)
	}
	return a.body
}

// goldenPaths are the paths of the golden files, without the version.
var goldenPaths = []string{
	"/", "/nginx", "/processes", "/connections", "/ssl", "/slabs/", "/slabs/mqtt", "/http/", "/http/requests", "/http/server_zones/",
	"/http/server_zones/web", "/http/location_zones/", "/http/location_zones/api", "/http/caches/", "/http/limit_conns/",
	"/http/limit_reqs/", "/http/keyvals/", "/http/upstreams/", "/stream/", "/stream/server_zones/", "/stream/server_zones/tls",
	"/stream/limit_conns/", "/stream/limit_conns/addr", "/stream/upstreams/", "/stream/upstreams/mqtt", "/stream/upstreams/mqtt/servers/",
	"/stream/upstreams/mqtt/servers/1", "/stream/keyvals/", "/stream/keyvals/one", "/stream/zone_sync/", "/resolvers/", "/resolvers/dns",
	"/workers/", "/workers/0", "/license",
}

// TestGolden compares the answers of all endpoints in each version. "What a version does not have is absent from its answers and
// lists, and its paths are PathNotFound" (Versions); the objects and the order of their members (4); the lists (3).
func TestGolden(t *testing.T) {
	for version := 1; version <= 9; version++ {
		file := filepath.Join("testdata", fmt.Sprintf("v%d.txtar", version))
		got := &txtar.Archive{}
		for _, path := range goldenPaths {
			a := ask(newFakeSource(), writable, "GET", fmt.Sprintf("/%d%s", version, path), "")
			if !json.Valid([]byte(a.body)) {
				t.Errorf("version %d, %s: no JSON: %s", version, path, a.body)
			}
			got.Files = append(got.Files, txtar.File{Name: path, Data: []byte(a.body + "\n")})
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(want.Files) != len(got.Files) {
			t.Errorf("%s has %d answers, want %d", file, len(want.Files), len(got.Files))
		}
		for i, f := range want.Files {
			if i < len(got.Files) && string(got.Files[i].Data) != string(f.Data) {
				t.Errorf("version %d, %s:\ngot  %swant %s", version, f.Name, got.Files[i].Data, f.Data)
			}
		}
	}
}

// TestLists checks which endpoints the lists contain.
func TestLists(t *testing.T) {
	full := newFakeSource()
	noStream := newFakeSource()
	noStream.noStream = true
	noSync := newFakeSource()
	noSync.noSync = true
	for _, c := range []struct {
		statement string
		source    *fakeSource
		target    string
		want      string
	}{
		{"GET of the prefix itself: array of versions, ascending, numbers", full, "", `[1,2,3,4,5,6,7,8,9]`},
		{"GET of the prefix itself, with slash", full, "/", `[1,2,3,4,5,6,7,8,9]`},
		{
			"root list, in this order; in 9 also workers, license", full, "/9",
			`["nginx","processes","connections","slabs","http","stream","resolvers","ssl","workers","license"]`,
		},
		{"root list of 8", full, "/8/", `["nginx","processes","connections","slabs","http","stream","resolvers","ssl"]`},
		{
			"stream is missing without a stream block", noStream, "/9/",
			`["nginx","processes","connections","slabs","http","resolvers","ssl","workers","license"]`,
		},
		{
			"/http list", full, "/9/http/",
			`["requests","server_zones","location_zones","caches","limit_conns","limit_reqs","keyvals","upstreams"]`,
		},
		{"/stream list", full, "/9/stream/", `["server_zones","limit_conns","keyvals","zone_sync","upstreams"]`},
		{"zone_sync is listed only when configured", noSync, "/9/stream", `["server_zones","limit_conns","keyvals","upstreams"]`},
		{"/stream list of 1", full, "/1/stream", `["server_zones","upstreams"]`},
	} {
		if got := get(t, c.source, c.target); got != c.want {
			t.Errorf("%s: GET %s: %s, want %s", c.statement, c.target, got, c.want)
		}
	}
}

// TestEmptyCollections checks that collections without objects answer {}, and that all paths of GetStats exist.
func TestEmptyCollections(t *testing.T) {
	s := newFakeSource()
	s.empty, s.noSync = true, true
	for _, path := range []string{
		"slabs", "resolvers", "http/server_zones", "http/location_zones", "http/caches", "http/limit_conns", "http/limit_reqs",
		"http/upstreams", "http/keyvals", "stream/server_zones", "stream/limit_conns", "stream/keyvals", "stream/upstreams",
	} {
		for _, slash := range []string{"", "/"} {
			if got := get(t, s, "/9/"+path+slash); got != "{}" {
				t.Errorf("GET %s%s: %s, want {}", path, slash, got)
			}
		}
	}
}

// TestPathsOfClients checks that every path that a client asks for in a version has an answer: they take
// another status for a fault of the server.
func TestPathsOfClients(t *testing.T) {
	const common = `nginx processes connections slabs ssl http/requests http/server_zones http/upstreams http/caches stream/server_zones
		stream/upstreams`
	s := newFakeSource()
	s.empty, s.noSync = true, true
	for _, c := range []struct {
		client   string
		versions []int
		paths    string
	}{
		{"telegraf by default", []int{3}, common},
		{"telegraf, agent and others", []int{5, 6, 7, 8, 9}, common + " http/location_zones resolvers"},
		{"the vendor's client", []int{6, 7, 8, 9}, "http/limit_reqs http/limit_conns stream/limit_conns stream http"},
		{"the vendor's client", []int{9}, "workers license"},
	} {
		for _, version := range c.versions {
			for path := range strings.FieldsSeq(c.paths) {
				target := fmt.Sprintf("/%d/%s", version, path)
				a := ask(s, api.Options{}, "GET", target, "")
				if a.status != http.StatusOK || a.body == "" || a.header.Get("Content-Type") != "application/json" {
					t.Errorf("%s: GET %s: %d %v %s", c.client, target, a.status, a.header, a.body)
				}
			}
		}
	}
}

// TestPaths checks the walk along a path.
func TestPaths(t *testing.T) {
	s := newFakeSource()
	for _, c := range []struct {
		statement string
		target    string
		want      string // the status and a part of the body
	}{
		{"repeated slashes count as one", "//9//nginx", `200 "build"`},
		{"every path works with a trailing slash", "/9/nginx/", `200 "build"`},
		{"every path works without a trailing slash", "/9/stream/upstreams/mqtt/servers", `200 [{"id":0`},
		{"names are percent-decoded", "/9/stream/server_zones/%C3%BC%20%22q%22%2F%25", `200 {"processing"`},
		{"names are percent-decoded once", "/9/stream/server_zones/%25C3%25BC%20%22q%22%2F%25", "404 ServerZoneNotFound"},
		{"what cannot be decoded is no path", "/9/stream/server_zones/%zz", "404 PathNotFound"},
		{"a name of dots is a name", "/9/stream/server_zones/..", "404 ServerZoneNotFound"},
		{"a NUL is part of a name", "/9/stream/server_zones/plain%00", "404 ServerZoneNotFound"},
		{"the version is one digit", "/09/nginx", "404 UnknownVersion"},
		{"version 0", "/0/", "404 UnknownVersion"},
		{"version 10", "/10/nginx", "404 UnknownVersion"},
		{"no version", "/nginx", "404 UnknownVersion"},
		{"the version comes before the path", "/x/%zz", "404 UnknownVersion"},
		{"no such endpoint", "/9/caches", "404 PathNotFound"},
		{"no such endpoint below an object", "/9/stream/server_zones/plain/x", "404 PathNotFound"},
		{"a path without an end", "/9" + strings.Repeat("/x", 10000), "404 PathNotFound"},
		{"zone", "/9/stream/server_zones/none", "404 ServerZoneNotFound"},
		{"http zone", "/9/http/server_zones/none", "404 ServerZoneNotFound"},
		{"location zone", "/9/http/location_zones/none", "404 LocationZoneNotFound"},
		{"cache", "/9/http/caches/none", "404 CacheNotFound"},
		{"limit_req", "/9/http/limit_reqs/none", "404 LimitReqNotFound"},
		{"limit_conn of http", "/9/http/limit_conns/none", "404 LimitConnNotFound"},
		{"limit_conn", "/9/stream/limit_conns/none", "404 LimitConnNotFound"},
		{"keyval", "/9/stream/keyvals/none", "404 KeyvalNotFound"},
		{"keyval of http", "/9/http/keyvals/none", "404 KeyvalNotFound"},
		{"resolver", "/9/resolvers/none", "404 ResolverZoneNotFound"},
		{"slab", "/9/slabs/none", "404 SlabNotFound"},
		{"worker", "/9/workers/2", "404 WorkerNotFound"},
		{"worker whose ID is no number", "/9/workers/x", "404 WorkerNotFound"},
		{"upstream", "/9/stream/upstreams/none", "404 UpstreamNotFound"},
		{"upstream of http", "/9/http/upstreams/none/servers/", "404 UpstreamNotFound"},
		{"servers of a missing upstream", "/9/stream/upstreams/none/servers/0", "404 UpstreamNotFound"},
		{"only groups with zone appear; others give 400", "/9/stream/upstreams/static/servers", "400 UpstreamStatic"},
		{"a group without zone has no statistics", "/9/stream/upstreams/static", "400 UpstreamStatic"},
		{"id is not a number", "/9/stream/upstreams/mqtt/servers/x", "400 UpstreamBadServerId"},
		{"id is negative", "/9/stream/upstreams/mqtt/servers/-1", "400 UpstreamBadServerId"},
		{"id is huge", "/9/stream/upstreams/mqtt/servers/99999999999999999999", "400 UpstreamBadServerId"},
		{"id of no server", "/9/stream/upstreams/mqtt/servers/7", `404 "text":"server with ID \"7\" does not exist","code":"UpstreamServerNotFound"`},
	} {
		status, part, _ := strings.Cut(c.want, " ")
		a := ask(s, api.Options{}, "GET", c.target, "")
		if fmt.Sprint(a.status) != status || !strings.Contains(a.body, part) {
			t.Errorf("%s: GET %.80s: %d %s, want %s", c.statement, c.target, a.status, a.body, c.want)
		}
	}
}

// TestWithoutStream checks the errors for parts that the configuration does not have: PathNotFound, before version 4 a code of
// their own.
func TestWithoutStream(t *testing.T) {
	s := newFakeSource()
	s.noStream, s.noSync = true, true
	for target, want := range map[string]string{
		"/9/stream/": "PathNotFound", "/4/stream/server_zones/": "PathNotFound", "/3/stream/": "StreamNotConfigured",
		"/1/stream/upstreams/": "StreamNotConfigured",
	} {
		if a := ask(s, writable, "GET", target, ""); a.status != http.StatusNotFound || a.code() != want {
			t.Errorf("GET %s: %d %s, want 404 %s", target, a.status, a.code(), want)
		}
	}
	s.noStream = false
	for target, want := range map[string]string{
		"/9/stream/zone_sync/": "PathNotFound", "/4/stream/zone_sync": "PathNotFound", "/3/stream/zone_sync": "ZoneSyncNotConfigured",
		"/2/stream/zone_sync": "PathNotFound",
	} {
		if a := ask(s, writable, "GET", target, ""); a.status != http.StatusNotFound || a.code() != want {
			t.Errorf("GET %s: %d %s, want 404 %s", target, a.status, a.code(), want)
		}
	}
}

// TestErrorObject checks the members of error objects (chapter 7). "In versions 1 to 3 the error object still has path and method,
// both empty strings."
func TestErrorObject(t *testing.T) {
	const tail = `"request_id":"00112233445566778899aabbccddeeff","href":"https://nginx.org/en/docs/http/ngx_http_api_module.html"}`
	const upstream = `{"error":{"status":404,"text":"upstream not found","code":"UpstreamNotFound"},`
	for target, want := range map[string]string{
		"/9/stream/upstreams/none": upstream + tail,
		"/4/stream/upstreams/none": upstream + tail,
		"/3/stream/upstreams/none": upstream + `"path":"","method":"",` + tail,
		"/1/stream/upstreams/none": upstream + `"path":"","method":"",` + tail,
		"/10/":                     `{"error":{"status":404,"text":"unknown version","code":"UnknownVersion"},` + tail,
		"/9/none":                  `{"error":{"status":404,"text":"path not found","code":"PathNotFound"},` + tail,
	} {
		a := ask(newFakeSource(), writable, "GET", target, "")
		if a.body != want {
			t.Errorf("GET %s: %s, want %s", target, a.body, want)
		}
		if got := a.header.Get("Content-Type"); got != "application/json" {
			t.Errorf("GET %s: Content-Type %q", target, got)
		}
	}
	a := ask(newFakeSource(), api.Options{}, "GET", "/9/none", "")
	b := ask(newFakeSource(), api.Options{}, "GET", "/9/none", "")
	id := regexp.MustCompile(`"request_id":"[0-9a-f]{32}"`)
	if first, second := id.FindString(a.body), id.FindString(b.body); first == "" || first == second {
		t.Errorf("request_id is %s, then %s: want 32 hexadecimal digits of their own", first, second)
	}
}

// TestErrorTexts checks the texts of errors without variable parts.
func TestErrorTexts(t *testing.T) {
	for _, c := range []struct {
		method, target string
		status         int
		code, text     string
	}{
		{"GET", "/10/", 404, "UnknownVersion", "unknown version"},
		{"GET", "/9/none", 404, "PathNotFound", "path not found"},
		{"GET", "/9/stream/upstreams/none", 404, "UpstreamNotFound", "upstream not found"},
		{"GET", "/9/stream/server_zones/none", 404, "ServerZoneNotFound", "server zone not found"},
		{"GET", "/9/stream/limit_conns/none", 404, "LimitConnNotFound", "limit_conn not found"},
		{"GET", "/9/stream/keyvals/none", 404, "KeyvalNotFound", "keyval not found"},
		{"GET", "/9/stream/keyvals/one?key=none", 404, "KeyvalKeyNotFound", "keyval key not found"},
		{"GET", "/9/resolvers/none", 404, "ResolverZoneNotFound", "resolver zone not found"},
		{"GET", "/9/slabs/none", 404, "SlabNotFound", "slab not found"},
		{"GET", "/9/workers/7", 404, "WorkerNotFound", "worker not found"},
		{"GET", "/9/http/caches/none", 404, "CacheNotFound", "cache not found"},
		{"GET", "/9/http/limit_reqs/none", 404, "LimitReqNotFound", "limit_req not found"},
		{"GET", "/9/http/location_zones/none", 404, "LocationZoneNotFound", "location zone not found"},
		{"PUT", "/9/nginx", 405, "MethodDisabled", "method disabled"},
		{"GET", "/9/stream/upstreams/static/servers", 400, "UpstreamStatic", "upstream is static"},
		{"GET", "/9/stream/upstreams/mqtt/servers/x", 400, "UpstreamBadServerId", "invalid server ID"},
	} {
		want := fmt.Sprintf(`{"error":{"status":%d,"text":"%s","code":"%s"},`, c.status, c.text, c.code)
		if a := ask(newFakeSource(), writable, c.method, c.target, ""); a.status != c.status || !strings.HasPrefix(a.body, want) {
			t.Errorf("%s %s: %d %s, want %s", c.method, c.target, a.status, a.body, want)
		}
	}
}

// endpoints are all endpoints with the methods that change something.
var endpoints = []struct {
	path    string
	methods string
}{
	{"/", ""}, {"/nginx", ""}, {"/license", ""}, {"/http/", ""}, {"/stream/", ""}, {"/stream/zone_sync/", ""},
	{"/processes", "DELETE"}, {"/connections", "DELETE"}, {"/ssl", "DELETE"}, {"/http/requests", "DELETE"},
	{"/workers/", "DELETE"}, {"/workers/1", "DELETE"},
	{"/slabs/", ""}, {"/resolvers/", ""}, {"/stream/server_zones/", ""}, {"/stream/limit_conns/", ""}, {"/stream/upstreams/", ""},
	{"/stream/keyvals/", ""}, {"/http/caches", ""}, {"/http/upstreams", ""}, {"/http/server_zones", ""},
	{"/slabs/mqtt", "DELETE"}, {"/resolvers/dns", "DELETE"}, {"/stream/server_zones/plain", "DELETE"}, {"/stream/limit_conns/addr", "DELETE"},
	{"/http/server_zones/web", "DELETE"}, {"/http/location_zones/api", "DELETE"}, {"/stream/upstreams/mqtt/", "DELETE"},
	{"/stream/upstreams/mqtt/servers/", "POST"}, {"/stream/upstreams/mqtt/servers/0", "PATCH DELETE"},
	{"/stream/keyvals/one", "POST PATCH DELETE"},
	{"/http/upstreams/none/servers/", "POST"}, {"/http/upstreams/none/servers/0", "PATCH DELETE"}, {"/http/keyvals/none", "POST PATCH DELETE"},
}

// TestMethods checks which methods each endpoint has: all others are 405, and those that change something are 405 without
// write=on, even for objects that do not exist.
func TestMethods(t *testing.T) {
	for _, e := range endpoints {
		for _, method := range []string{"POST", "PATCH", "DELETE", "PUT", "OPTIONS", "TRACE"} {
			for _, write := range []bool{false, true} {
				a := ask(newFakeSource(), api.Options{Write: write}, method, "/9"+e.path, "{")
				disabled := !write || !slices.Contains(strings.Fields(e.methods), method)
				if got := a.status == http.StatusMethodNotAllowed && a.code() == "MethodDisabled"; got != disabled {
					t.Errorf("%s %s with write=%v: %d %s, want disabled: %v", method, e.path, write, a.status, a.body, disabled)
				}
			}
		}
	}
	for _, target := range []string{"", "/", "/9/http/upstreams/DASHBOARD_INIT/servers/__TEST_FOR_WRITE__/"} {
		if a := ask(newFakeSource(), api.Options{}, "DELETE", target, ""); a.code() != "MethodDisabled" {
			t.Errorf("DELETE %s: %d %s, want MethodDisabled", target, a.status, a.body)
		}
	}
}

// TestNoCrossOriginHeaders: "No CORS headers are documented; the dashboard is loaded from the same origin" (2).
func TestNoCrossOriginHeaders(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST"} {
		for name := range ask(newFakeSource(), writable, method, "/9/stream/upstreams/", "{}").header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: the answer has the header %s", method, name)
			}
		}
	}
}

// TestHead checks that HEAD is GET without a body.
func TestHead(t *testing.T) {
	s := newFakeSource()
	for _, target := range []string{"/9/nginx", "/", "/9/none"} {
		want, got := ask(s, writable, "GET", target, ""), ask(s, writable, "HEAD", target, "")
		length := fmt.Sprint(len(want.body))
		if got.status != want.status || got.body != "" || got.header.Get("Content-Length") != length || want.header.Get("Content-Length") != length {
			t.Errorf("HEAD %s: %d %v %q, want %d and the header of %q", target, got.status, got.header, got.body, want.status, want.body)
		}
	}
}

// TestResets checks each reset by DELETE: status 204 without a body.
func TestResets(t *testing.T) {
	for path, want := range map[string]string{
		"/processes": "processes", "/connections": "connections", "/ssl": "ssl", "/http/requests": "requests", "/workers/": "worker 0 worker 1",
		"/workers/1": "worker 1", "/slabs/mqtt": "slab mqtt", "/resolvers/dns": "resolver dns", "/stream/server_zones/plain": "stream zone plain",
		"/stream/limit_conns/addr": "limit_conn addr", "/http/server_zones/web": "http zone web", "/http/location_zones/api": "location zone api",
	} {
		s := newFakeSource()
		a := ask(s, writable, "DELETE", "/9"+path, "")
		if a.status != http.StatusNoContent || a.body != "" || a.header.Get("Content-Type") != "" {
			t.Errorf("DELETE %s: %d %q, want 204 without a body", path, a.status, a.body)
		}
		if got := strings.Join(s.resets, " "); got != want {
			t.Errorf("DELETE %s reset %q, want %q", path, got, want)
		}
	}
	s := newFakeSource()
	if a := ask(s, writable, "DELETE", "/9/stream/upstreams/mqtt/", ""); a.status != http.StatusNoContent || s.groups["mqtt"].resets != 1 {
		t.Errorf("DELETE of an upstream: %d, reset %d times", a.status, s.groups["mqtt"].resets)
	}
	for target, want := range map[string]string{
		"/9/slabs/none": "SlabNotFound", "/9/resolvers/none": "ResolverZoneNotFound", "/9/stream/server_zones/none": "ServerZoneNotFound",
		"/9/workers/9": "WorkerNotFound", "/9/stream/upstreams/none": "UpstreamNotFound", "/9/stream/upstreams/static": "UpstreamStatic",
	} {
		if a := ask(newFakeSource(), writable, "DELETE", target, ""); a.code() != want {
			t.Errorf("DELETE %s: %d %s, want %s", target, a.status, a.body, want)
		}
	}
}
