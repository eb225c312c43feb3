package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"weir/internal/keyval"
	"weir/runtime/api"
)

// TestPostServer checks the server objects that POST makes (chapter 5).
func TestPostServer(t *testing.T) {
	const defaults = `"weight":1,"max_conns":0,"max_fails":1,"fail_timeout":"10s","slow_start":"0s","backup":false,"down":false}`
	for _, c := range []struct{ statement, body, want string }{
		{"all nine are always present, with their defaults", `{"server":"127.0.0.1:8001"}`, `{"id":0,"server":"127.0.0.1:8001",` + defaults},
		{"server comes back exactly as given", `{"server":"[::1]:1883"}`, `{"id":0,"server":"[::1]:1883",` + defaults},
		{"a socket of UNIX", `{"server":"unix:/path"}`, `{"id":0,"server":"unix:/path",` + defaults},
		{
			"all members", `{"server":"a.example","service":"_mqtt._tcp","weight":5,"max_conns":7,"max_fails":0,"fail_timeout":"1m30s",` +
				`"slow_start":"500ms","backup":true,"down":true}`,
			`{"id":0,"server":"a.example","service":"_mqtt._tcp","weight":5,"max_conns":7,"max_fails":0,"fail_timeout":"1m30s","slow_start":"500ms",` +
				`"backup":true,"down":true}`,
		},
		{
			"numbers may be given as strings", `{"server":"a:1","weight":"5","max_conns":"6","max_fails":"7","down":"false","backup":"true"}`,
			`{"id":0,"server":"a:1","weight":5,"max_conns":6,"max_fails":7,"fail_timeout":"10s","slow_start":"0s","backup":true,"down":false}`,
		},
		{
			"times may be numbers", `{"server":"a:1","fail_timeout":20,"slow_start":0}`,
			`{"id":0,"server":"a:1","weight":1,"max_conns":0,"max_fails":1,"fail_timeout":"20","slow_start":"0","backup":false,"down":false}`,
		},
		{"blanks and escapes", " {\n\t\"ser\\u0076er\" : \"a:1\" } \r\n", `{"id":0,"server":"a:1",` + defaults},
	} {
		a := ask(newFakeSource(), writable, "POST", "/9/stream/upstreams/empty/servers/", c.body)
		if a.status != http.StatusCreated || a.body != c.want {
			t.Errorf("%s: POST %s: %d %s, want 201 %s", c.statement, c.body, a.status, a.body, c.want)
		}
	}
}

// TestPatchAndDeleteServer checks the answers of PATCH and DELETE.
func TestPatchAndDeleteServer(t *testing.T) {
	s := newFakeSource()
	const rest = `"weight":1,"max_conns":0,"max_fails":1,"fail_timeout":"10s","slow_start":"0s","backup":false,"down":`
	for _, c := range []struct {
		statement, method, target, body string
		status                          int
		want                            string
	}{
		{
			"PATCH changes the given members only; 200 and the whole object", "PATCH", "/9/stream/upstreams/mqtt/servers/1", `{"down":true}`,
			200, `{"id":1,"server":"127.0.0.2:1883",` + rest + `true}`,
		},
		{
			"an empty PATCH changes nothing", "PATCH", "/9/stream/upstreams/mqtt/servers/1/", `{}`,
			200, `{"id":1,"server":"127.0.0.2:1883",` + rest + `true}`,
		},
		{
			"PATCH of a missing server", "PATCH", "/9/stream/upstreams/mqtt/servers/9", `{"down":true}`, 404, "UpstreamServerNotFound",
		},
		{
			"DELETE: 200 and the remaining servers", "DELETE", "/9/stream/upstreams/mqtt/servers/0/", "",
			200, `[{"id":1,"server":"127.0.0.2:1883",` + rest + `true}]`,
		},
		{"DELETE of the last server", "DELETE", "/9/stream/upstreams/mqtt/servers/1", "", 200, `[]`},
		{"DELETE of a missing server", "DELETE", "/9/stream/upstreams/mqtt/servers/1", "", 404, "UpstreamServerNotFound"},
		{"same address twice, first", "POST", "/9/stream/upstreams/empty/servers", `{"server":"a:1"}`, 201, `{"id":0,"server":"a:1",` + rest + `false}`},
		{"same address twice: 409", "POST", "/9/stream/upstreams/empty/servers", `{"server":"a:1"}`, 409, "EntryExists"},
	} {
		if a := ask(s, writable, c.method, c.target, c.body); a.status != c.status || a.code() != c.want {
			t.Errorf("%s: %s %s %s: %d %s, want %d %s", c.statement, c.method, c.target, c.body, a.status, a.body, c.status, c.want)
		}
	}
}

// TestChildServer checks the members of the address of a name.
func TestChildServer(t *testing.T) {
	s := newFakeSource()
	child := newServer(3, "192.0.2.1:1883")
	child.Service, child.Parent, child.Host = "mqtt", new(2), "b.example"
	s.groups["empty"].servers = []api.GroupServer{child}
	const want = `{"id":3,"server":"192.0.2.1:1883","service":"mqtt","weight":1,"max_conns":0,"max_fails":1,"fail_timeout":"10s",` +
		`"slow_start":"0s","backup":false,"down":false,"parent":"2","host":"b.example"}`
	if got := get(t, s, "/9/stream/upstreams/empty/servers/3"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// deep is JSON of a depth.
func deep(n int) string {
	return `{"server":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
}

// TestBadServers checks the errors of the bodies of POST and PATCH (chapter 7).
func TestBadServers(t *testing.T) {
	for _, c := range []struct{ body, text, code string }{
		{``, "json error", "JsonError"},
		{`{"server":`, "json error", "JsonError"},
		{`{"server":"a:1"} x`, "json error", "JsonError"},
		{`{"server":"a:1",}`, "json error", "JsonError"},
		{`server=a:1`, "json error", "JsonError"},
		{`["a:1"]`, "json error", "JsonError"},
		{`"a:1"`, "json error", "JsonError"},
		{`null`, "json error", "JsonError"},
		{"{\"server\":\"a\xff:1\"}", "json error", "JsonError"},
		{"\ufeff{}", "json error", "JsonError"},
		{deep(200000), "json error", "JsonError"},
		{deep(5000), "nested object or list", "UpstreamConfFormatError"},
		{`{}`, `missing "server" argument`, "UpstreamConfFormatError"},
		{`{"weight":1}`, `missing "server" argument`, "UpstreamConfFormatError"},
		{`{"id":1,"server":"a:1"}`, `unknown parameter "id"`, "UpstreamConfFormatError"},
		{`{"parent":"1","server":"a:1"}`, `unknown parameter "parent"`, "UpstreamConfFormatError"},
		{`{"host":"1","server":"a:1"}`, `unknown parameter "host"`, "UpstreamConfFormatError"},
		{`{"server":"a:1","route":"r"}`, `unknown parameter "route"`, "UpstreamConfFormatError"},
		{`{"server":"a:1","drain":"maybe"}`, `invalid "drain" value`, "UpstreamConfFormatError"},
		{`{"Server":"a:1"}`, `unknown parameter "Server"`, "UpstreamConfFormatError"},
		{`{"a\"<":1}`, `unknown parameter "a"<"`, "UpstreamConfFormatError"},
		{`{"server":"a:1","server":"b:1"}`, `duplicate parameter "server"`, "UpstreamConfFormatError"},
		{`{"server":["a:1"]}`, "nested object or list", "UpstreamConfFormatError"},
		{`{"server":{}}`, "nested object or list", "UpstreamConfFormatError"},
		{`{"server":1}`, `invalid "server" value`, "UpstreamConfFormatError"},
		{`{"server":null}`, `invalid "server" value`, "UpstreamConfFormatError"},
		{`{"server":"a:1","weight":true}`, `invalid "weight" value`, "UpstreamConfFormatError"},
		{`{"server":"a:1","weight":null}`, `invalid "weight" value`, "UpstreamConfFormatError"},
		{`{"server":"a:1","backup":1}`, `invalid "backup" value`, "UpstreamConfFormatError"},
		{`{"server":"a:1","down":"maybe"}`, `invalid "down" value`, "UpstreamConfFormatError"},
		{`{"server":"a:1","fail_timeout":false}`, `invalid "fail_timeout" value`, "UpstreamConfFormatError"},
		{`{"server":"a:1","weight":0}`, `invalid "weight"`, "UpstreamBadWeight"},
		{`{"server":"a:1","weight":-1}`, `invalid "weight"`, "UpstreamBadWeight"},
		{`{"server":"a:1","weight":1.5}`, `invalid "weight"`, "UpstreamBadWeight"},
		{`{"server":"a:1","weight":1e3}`, `invalid "weight"`, "UpstreamBadWeight"},
		{`{"server":"a:1","weight":"x"}`, `invalid "weight"`, "UpstreamBadWeight"},
		{`{"server":"a:1","weight":` + strings.Repeat("9", 10000) + `}`, `invalid "weight"`, "UpstreamBadWeight"},
		{`{"server":"a:1","weight":9999999999}`, `invalid "weight"`, "UpstreamBadWeight"},
		{`{"server":"a:1","max_conns":-1}`, `invalid "max_conns"`, "UpstreamBadMaxConns"},
		{`{"server":"a:1","max_fails":""}`, `invalid "max_fails"`, "UpstreamBadMaxFails"},
		{`{"server":"a:1","fail_timeout":"10x"}`, `invalid "fail_timeout"`, "UpstreamBadFailTimeout"},
		{`{"server":"a:1","fail_timeout":"100ms"}`, `invalid "fail_timeout"`, "UpstreamBadFailTimeout"},
		{`{"server":"a:1","slow_start":"s"}`, `invalid "slow_start"`, "UpstreamBadSlowStart"},
		{`{"server":"a:1","slow_start":-5}`, `invalid "slow_start"`, "UpstreamBadSlowStart"},
		{`{"server":"a","service":""}`, `"service" is empty`, "UpstreamBadService"},
	} {
		// A group that does not exist: the checks of the body come before the object.
		for _, target := range []string{"/9/stream/upstreams/mqtt/servers/", "/9/stream/upstreams/none/servers/"} {
			checkError(t, ask(newFakeSource(), api.Options{Write: true, BodyLimit: 1 << 20}, "POST", target, c.body), c.body, c.text, c.code)
		}
		if strings.HasPrefix(c.text, "missing") {
			continue
		}
		checkError(t, ask(newFakeSource(), api.Options{Write: true, BodyLimit: 1 << 20}, "PATCH", "/9/stream/upstreams/none/servers/x", c.body), c.body, c.text, c.code)
	}
}

func checkError(t *testing.T, a answer, body, text, code string) {
	t.Helper()
	status := http.StatusBadRequest
	if code == "JsonError" {
		status = http.StatusUnsupportedMediaType
	}
	var e struct {
		Error struct {
			Status     int
			Text, Code string
		}
	}
	if err := json.Unmarshal([]byte(a.body), &e); err != nil {
		t.Fatal(err)
	}
	if a.status != status || e.Error.Status != status || e.Error.Text != text || e.Error.Code != code {
		t.Errorf("%.80s: %d %.200s, want %d %s %q", body, a.status, a.body, status, code, text)
	}
}

// TestHTTPServers checks that the groups of http exist as routes, and that version 1 does not know drain.
func TestHTTPServers(t *testing.T) {
	for _, c := range []struct{ method, target, body, want string }{
		{"POST", "/9/http/upstreams/a/servers/", `{"a":"1"}`, "UpstreamConfFormatError"},
		{"POST", "/9/http/upstreams/a/servers/", `{"server":"a:1","route":"r","drain":true}`, "UpstreamNotFound"},
		{"POST", "/1/http/upstreams/a/servers/", `{"server":"a:1","drain":true}`, "UpstreamConfFormatError"},
		{"POST", "/9/http/upstreams/a/servers/", `{"server":"a:1","route":"` + strings.Repeat("r", 33) + `"}`, "UpstreamBadRoute"},
		{"DELETE", "/9/http/upstreams/DASHBOARD_INIT/servers/__TEST_FOR_WRITE__/", "", "UpstreamNotFound"},
		{"PATCH", "/9/http/upstreams/a/servers/1", `{}`, "UpstreamNotFound"},
	} {
		if a := ask(newFakeSource(), writable, c.method, c.target, c.body); a.code() != c.want {
			t.Errorf("%s %s %s: %d %s, want %s", c.method, c.target, c.body, a.status, a.body, c.want)
		}
	}
}

// TestDrain checks that a server can be drained, which the answer shows, and serve again.
func TestDrain(t *testing.T) {
	source := newFakeSource()
	for _, c := range []struct {
		body   string
		drains bool
	}{
		{`{"drain":true}`, true},
		{`{"weight":2}`, true},
		{`{"drain":false}`, false},
	} {
		a := ask(source, writable, "PATCH", "/9/stream/upstreams/mqtt/servers/0", c.body)
		if a.status != http.StatusOK || strings.Contains(a.body, `"drain":true`) != c.drains {
			t.Errorf("%s: %d %s", c.body, a.status, a.body)
		}
	}
	if a := ask(source, writable, "PATCH", "/1/stream/upstreams/mqtt/servers/0", `{"drain":true}`); a.code() != "UpstreamConfFormatError" {
		t.Errorf("version 1: %d %s", a.status, a.body)
	}
}

// TestKeyvals checks the requests to key-value zones (chapter 6).
func TestKeyvals(t *testing.T) {
	for _, c := range []struct {
		statement, method, target, body string
		status                          int
		want                            string // the code or the answer to GET afterwards
	}{
		{"POST: 201", "POST", "/9/stream/keyvals/two", `{"k":"v"}`, 201, `{"k":"v"}`},
		{"several into an empty zone", "POST", "/9/stream/keyvals/two/", `{"k":"v","l":"w"}`, 201, `{"k":"v","l":"w"}`},
		{"a number becomes its text", "POST", "/9/stream/keyvals/two", `{"k":1}`, 201, `{"k":"1"}`},
		{"a value with expire", "POST", "/9/stream/keyvals/two", `{"k":{"value":"v","expire":1500}}`, 201, `{"k":"v"}`},
		{"one key into a zone that is not empty", "POST", "/9/stream/keyvals/one", `{"x":"v","y":"v"}`, 400, "KeyvalFormatError"},
		{"expire since 5", "PATCH", "/4/stream/keyvals/one", `{"a":{"expire":1500}}`, 400, "KeyvalFormatError"},
		{"expire since 5", "POST", "/4/stream/keyvals/two", `{"k":{"value":"v","expire":1500}}`, 400, "KeyvalFormatError"},
		{"existing key: 409", "POST", "/9/stream/keyvals/one", `{"a":"2"}`, 409, "KeyvalKeyExists"},
		{"PATCH: 204", "PATCH", "/9/stream/keyvals/one", `{"a":"2"}`, 204, `{"a":"2","b":"zwei ü <&>"}`},
		{"null deletes", "PATCH", "/9/stream/keyvals/one", `{"a":null}`, 204, `{"b":"zwei ü <&>"}`},
		{"expire alone changes the time", "PATCH", "/9/stream/keyvals/one", `{"a":{"expire":30000}}`, 204, `{"a":"1","b":"zwei ü <&>"}`},
		{"PATCH: one pair", "PATCH", "/9/stream/keyvals/one", `{"a":"1","b":"2"}`, 400, "KeyvalFormatError"},
		{"PATCH: unknown key", "PATCH", "/9/stream/keyvals/one", `{"x":"1"}`, 404, "KeyvalKeyNotFound"},
		{"DELETE: 204, empties the zone", "DELETE", "/9/stream/keyvals/one", ``, 204, `{}`},
		{"empty object", "POST", "/9/stream/keyvals/one", `{}`, 400, "KeyvalFormatError"},
		{"empty key", "POST", "/9/stream/keyvals/one", `{"":"v"}`, 400, "KeyvalFormatError"},
		{"null is no value to add", "POST", "/9/stream/keyvals/two", `{"k":null}`, 400, "KeyvalFormatError"},
		{"expire is no value to add", "POST", "/9/stream/keyvals/two", `{"k":{"expire":1}}`, 400, "KeyvalFormatError"},
		{"duplicate keys", "POST", "/9/stream/keyvals/two", `{"k":"v","k":"w"}`, 409, "KeyvalKeyExists"},
		{"duplicate values", "POST", "/9/stream/keyvals/two", `{"k":{"value":"v","value":"w"}}`, 400, "KeyvalFormatError"},
		{"an array", "POST", "/9/stream/keyvals/two", `{"k":["v"]}`, 400, "KeyvalFormatError"},
		{"other nesting", "POST", "/9/stream/keyvals/two", `{"k":{"value":{}}}`, 400, "KeyvalFormatError"},
		{"an unknown member", "POST", "/9/stream/keyvals/two", `{"k":{"value":"v","ttl":1}}`, 400, "KeyvalFormatError"},
		{"an expiry that is no number", "POST", "/9/stream/keyvals/two", `{"k":{"value":"v","expire":-1}}`, 400, "KeyvalFormatError"},
		{"a huge expiry", "POST", "/9/stream/keyvals/two", `{"k":{"value":"v","expire":99999999999999999}}`, 400, "KeyvalFormatError"},
		{"no JSON", "PATCH", "/9/stream/keyvals/none", `{`, 415, "JsonError"},
		{"the body comes before the object", "POST", "/9/stream/keyvals/none", `{}`, 400, "KeyvalFormatError"},
		{"no such zone", "POST", "/9/stream/keyvals/none", `{"a":"b"}`, 404, "KeyvalNotFound"},
		{"no zone of http", "POST", "/9/http/keyvals/one", `{"a":"b"}`, 404, "KeyvalNotFound"},
		{"no such zone to empty", "DELETE", "/9/stream/keyvals/none", ``, 404, "KeyvalNotFound"},
		{"version 1 has none", "POST", "/1/stream/keyvals/one", `{"c":"b"}`, 404, "PathNotFound"},
	} {
		s := newFakeSource()
		a := ask(s, writable, c.method, c.target, c.body)
		got := a.code()
		if a.status < 300 {
			if got != "" {
				t.Errorf("%s: body %q, want none", c.statement, got)
			}
			got = get(t, s, c.target)
		}
		if a.status != c.status || got != c.want {
			t.Errorf("%s: %s %s %s: %d %s, want %d %s", c.statement, c.method, c.target, c.body, a.status, got, c.status, c.want)
		}
	}
}

// TestKeyOfKeyval checks the argument key.
func TestKeyOfKeyval(t *testing.T) {
	s := newFakeSource()
	s.keyvals["one"] = newStore(keyval.Pair{Key: "a b+c", Value: "1"})
	if got, want := get(t, s, "/9/stream/keyvals/one?key=a%20b+c"), `{"a b+c":"1"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, query := range []string{"key=none", "key=", "key"} {
		if a := ask(s, writable, "GET", "/9/stream/keyvals/one?"+query, ""); a.status != http.StatusNotFound || a.code() != "KeyvalKeyNotFound" {
			t.Errorf("%s: %d %s, want KeyvalKeyNotFound", query, a.status, a.body)
		}
	}
}

// TestBodyLimit checks that a body must fit into the buffer, else 413 with the page of the server.
func TestBodyLimit(t *testing.T) {
	const target = "/9/stream/upstreams/empty/servers/"
	body := `{"server":"a:1"}`
	for _, c := range []struct {
		limit int64
		body  string
		want  int
	}{
		{int64(len(body)), body, 201},
		{int64(len(body)) - 1, body, 413},
		{0, body + strings.Repeat(" ", 16<<10-len(body)), 201},
		{0, body + strings.Repeat(" ", 16<<10-len(body)+1), 413},
	} {
		for _, chunked := range []bool{false, true} {
			r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
			if chunked {
				r.ContentLength = -1
			}
			w := httptest.NewRecorder()
			opt := api.Options{Write: true, BodyLimit: c.limit, TooLarge: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
				io.WriteString(w, "<html>")
			}}
			(&api.Server{Source: newFakeSource()}).Serve(w, r, target, opt)
			if w.Code != c.want || (w.Code == 413) != (w.Body.String() == "<html>") {
				t.Errorf("a body of %d bytes with limit %d, chunked %v: %d %s, want %d", len(c.body), c.limit, chunked, w.Code, w.Body, c.want)
			}
		}
	}
	if a := ask(newFakeSource(), api.Options{Write: true, BodyLimit: 1}, "POST", target, body); a.status != 413 {
		t.Errorf("without a page: %d, want 413", a.status)
	}
}

// TestBodyNotRead checks that a body is not read before the method is allowed, and not for other methods.
func TestBodyNotRead(t *testing.T) {
	for _, c := range []struct {
		method, target string
		opt            api.Options
		want           int
	}{
		{"POST", "/9/stream/upstreams/mqtt/servers/", api.Options{}, 405},
		{"POST", "/9/none", writable, 404},
		{"DELETE", "/9/connections", writable, 204},
		{"GET", "/9/connections", writable, 200},
	} {
		r := httptest.NewRequest(c.method, "/", iotest.ErrReader(errors.New("read")))
		r.ContentLength = 1 << 40
		w := httptest.NewRecorder()
		(&api.Server{Source: newFakeSource()}).Serve(w, r, c.target, c.opt)
		if w.Code != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.target, w.Code, c.want)
		}
	}
}

// TestBodyReadError checks the error for a client that ends within the body.
func TestBodyReadError(t *testing.T) {
	r := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader(`{"server":"a:1"}`), iotest.ErrReader(io.ErrUnexpectedEOF)))
	w := httptest.NewRecorder()
	(&api.Server{Source: newFakeSource()}).Serve(w, r, "/9/stream/upstreams/mqtt/servers/", writable)
	if want := `"text":"reading request body failed","code":"BodyReadError"`; w.Code != 400 || !strings.Contains(w.Body.String(), want) {
		t.Errorf("%d %s, want 400 %s", w.Code, w.Body, want)
	}
}

// TestOrderOfChecks sends requests with several faults: the version comes first, then the path, the
// method, the syntax of the body, its members, and the object.
func TestOrderOfChecks(t *testing.T) {
	const none = "/stream/upstreams/none/servers/"
	for _, c := range []struct {
		write              bool
		target, body, want string
	}{
		{false, "/10" + none + "x/y", `{`, "UnknownVersion"},
		{false, "/9" + none + "x/y", `{`, "PathNotFound"},
		{false, "/9" + none, `{`, "MethodDisabled"},
		{true, "/9" + none, `{"a":1`, "JsonError"},
		{true, "/9" + none, `{"a":1}`, "UpstreamConfFormatError"},
		{true, "/9" + none, `{"server":"a:1"}`, "UpstreamNotFound"},
	} {
		if a := ask(newFakeSource(), api.Options{Write: c.write}, "POST", c.target, c.body); a.code() != c.want {
			t.Errorf("POST %s %s: %d %s, want %s", c.target, c.body, a.status, a.body, c.want)
		}
	}
}

// TestContentType checks that the Content-Type of a request is ignored.
func TestContentType(t *testing.T) {
	for _, kind := range []string{"application/x-www-form-urlencoded", "text/json", ""} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(`{"server":"a:1"}`))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		(&api.Server{Source: newFakeSource()}).Serve(w, r, "/9/stream/upstreams/empty/servers/", writable)
		if w.Code != http.StatusCreated {
			t.Errorf("Content-Type %q: %d %s", kind, w.Code, w.Body)
		}
	}
}

// FuzzBody sends bodies to all endpoints that read one. Each answer is JSON or empty, and of a documented status.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		`{"server":"127.0.0.1:1883","weight":"5","down":true}`, `{"k":{"value":"v","expire":1000}}`, `{"a":null}`, `[]`, `{"a":1e999}`, deep(20), "{\"\xff\":1}",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, target := range []string{"/9/stream/upstreams/empty/servers/", "/1/http/upstreams/a/servers/", "/9/stream/keyvals/two", "/4/stream/keyvals/two"} {
			checkAnswer(t, ask(newFakeSource(), writable, "POST", target, string(body)), target)
		}
		for _, target := range []string{"/9/stream/upstreams/mqtt/servers/1", "/9/stream/keyvals/one"} {
			checkAnswer(t, ask(newFakeSource(), writable, "PATCH", target, string(body)), target)
		}
	})
}

// FuzzPath sends requests with any path and query.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"", "/9//nginx/", "/9/stream/server_zones/%2e%2e%2f", "/9/x%zz", "/9/stream/keyvals/one%00", "/9/workers/-0"} {
		f.Add(path, "fields=a,b&key=%41")
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		for _, method := range []string{"GET", "DELETE"} {
			r := httptest.NewRequest(method, "/", nil)
			r.URL.RawQuery = query
			w := httptest.NewRecorder()
			(&api.Server{Source: newFakeSource()}).Serve(w, r, path, writable)
			checkAnswer(t, answer{w.Code, w.Header(), w.Body.String()}, path)
		}
	})
}

// checkAnswer checks that an answer has a documented status and a body of JSON, or none.
func checkAnswer(t *testing.T, a answer, target string) {
	t.Helper()
	switch a.status {
	case 200, 201, 204, 400, 404, 405, 409, 413, 415:
	default:
		t.Errorf("%q: status %d", target, a.status)
	}
	if a.body != "" && a.status != 413 && !json.Valid([]byte(a.body)) {
		t.Errorf("%q: no JSON: %q", target, a.body)
	}
}

// BenchmarkUpstream measures the answer for a group of 1,000 peers.
func BenchmarkUpstream(b *testing.B) {
	s := newFakeSource()
	for i := range 1000 {
		s.groups["mqtt"].servers = append(s.groups["mqtt"].servers, newServer(i+2, fmt.Sprintf("10.0.%d.%d:1883", i/256, i%256)))
	}
	server := &api.Server{Source: s}
	r := httptest.NewRequest("GET", "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		server.Serve(httptest.NewRecorder(), r, "/9/stream/upstreams", api.Options{})
	}
}

// TestChangesAtABadTime checks that each kind of change gets the error of the source, and changes nothing, while reads are answered.
func TestChangesAtABadTime(t *testing.T) {
	s := newFakeSource()
	s.fixed = &api.Error{Status: 503, Code: "UpgradeRuns", Text: "later"}
	for _, q := range []struct{ method, path, body string }{
		{"POST", "/9/stream/keyvals/two", `{"a":"b"}`}, {"PATCH", "/9/stream/keyvals/one", `{"a":null}`}, {"DELETE", "/9/stream/keyvals/one", ""},
		{"POST", "/9/stream/upstreams/mqtt/servers/", `{"server":"127.0.0.9:1"}`}, {"PATCH", "/9/stream/upstreams/mqtt/servers/1", `{"down":true}`},
		{"DELETE", "/9/stream/upstreams/mqtt/servers/1", ""}, {"DELETE", "/9/connections", ""},
	} {
		if a := ask(s, writable, q.method, q.path, q.body); a.status != 503 || !strings.Contains(a.body, `"code":"UpgradeRuns"`) {
			t.Errorf("%s %s: got %d %s", q.method, q.path, a.status, a.body)
		}
	}
	for _, path := range []string{"/9/stream/keyvals/one", "/9/stream/upstreams/mqtt/servers/"} {
		if now, before := ask(s, writable, "GET", path, ""), ask(newFakeSource(), writable, "GET", path, ""); now.status != 200 || now.body != before.body {
			t.Errorf("%s: got %d %s, want %s", path, now.status, now.body, before.body)
		}
	}
}
