package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir/internal/keyval"
	"weir/runtime/api"
)

// TestTimes checks that times are UTC and have exactly three digits of milliseconds.
func TestTimes(t *testing.T) {
	s := newFakeSource()
	s.process.Loaded = time.Date(2026, 11, 29, 18, 0, 0, 0, time.FixedZone("", 3600))
	s.process.Now = s.process.Loaded.Add(120*time.Millisecond + 999*time.Microsecond)
	const want = `{"load_timestamp":"2026-11-29T17:00:00.000Z","timestamp":"2026-11-29T17:00:00.120Z"}`
	if got := get(t, s, "/9/nginx?fields=load_timestamp,timestamp"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestFields checks the argument fields.
func TestFields(t *testing.T) {
	for _, c := range []struct{ statement, target, want string }{
		{"on a single object only these members", "/9/nginx?fields=version,build,generation", `{"version":"1.31.5","build":"weir-0.1.0-r37","generation":3}`},
		{"in the order of the object", "/9/connections?fields=idle,accepted", `{"accepted":10,"idle":3}`},
		{"at top level", "/9/resolvers/dns?fields=name,requests", `{"requests":{"name":1,"srv":2,"addr":3}}`},
		{"on a collection the filter applies to each entry", "/9/stream/limit_conns/?fields=passed", `{"addr":{"passed":5}}`},
		{"also on an array", "/9/workers/?fields=id", `[{"id":0},{"id":1}]`},
		{"on an upstream", "/9/stream/upstreams/?fields=zone", `{"empty":{"zone":"mqtt"},"mqtt":{"zone":"mqtt"}}`},
		{"unknown names are ignored", "/9/connections?fields=none,idle", `{"idle":3}`},
		{"only unknown names", "/9/connections?fields=none", `{}`},
		{"empty on a collection: an object with the names as members", "/9/stream/upstreams/?fields=", `{"empty":{},"mqtt":{}}`},
		{"without the sign", "/9/slabs?fields", `{"mqtt":{}}`},
		{"the keyvals collection has only the empty fields", "/9/stream/keyvals/?fields=", `{"one":{},"two":{}}`},
		{"other fields do not apply to keyvals", "/9/stream/keyvals/?fields=a", `{"one":{"a":"1","b":"zwei ü <&>"},"two":{}}`},
		{"the first argument counts, decoded", "/9/connections?x=1&fields=idle%2Caccepted&fields=dropped", `{"accepted":10,"idle":3}`},
		{"a name of another argument ends in it", "/9/connections?nofields=idle", `{"accepted":10,"dropped":1,"active":2,"idle":3}`},
	} {
		if got := get(t, newFakeSource(), c.target); got != c.want {
			t.Errorf("%s: GET %s: %s, want %s", c.statement, c.target, got, c.want)
		}
	}
}

// TestNumbers checks that all numbers are integers and that no member is null.
func TestNumbers(t *testing.T) {
	for version := 1; version <= 9; version++ {
		for _, path := range goldenPaths {
			a := ask(newFakeSource(), writable, "GET", fmt.Sprintf("/%d%s", version, path), "")
			d := json.NewDecoder(strings.NewReader(a.body))
			d.UseNumber()
			for {
				token, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if n, isNumber := token.(json.Number); isNumber && strings.ContainsAny(n.String(), ".eE") || token == nil {
					t.Errorf("version %d, %s has %v", version, path, token)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// TestText checks that the body has no blanks outside of names and no line end, and that characters are UTF-8 and not escaped.
func TestText(t *testing.T) {
	s := newFakeSource()
	if got, want := get(t, s, "/9/stream/keyvals/one?key=b"), `{"b":"zwei ü <&>"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	s.keyvals["one"] = newStore(keyval.Pair{Key: "k\"\\\n\r\t\x01\x7f", Value: "bad \xff\xc3 utf"})
	got := get(t, s, "/9/stream/keyvals/one")
	if want := "{\"k\\\"\\\\\\n\\r\\t\\u0001\x7f\":\"bad \uFFFD\uFFFD utf\"}"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestAddress checks the local address of /nginx.
func TestAddress(t *testing.T) {
	for _, c := range []struct {
		addr net.Addr
		want string
	}{
		{&net.TCPAddr{IP: net.ParseIP("::1"), Port: 80}, "::1"},
		{&net.UnixAddr{Net: "unix", Name: "/run/api.sock"}, "unix:/run/api.sock"},
	} {
		r := httptest.NewRequest("GET", "/api/9/nginx?fields=address", nil)
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, c.addr))
		w := httptest.NewRecorder()
		(&api.Server{Source: newFakeSource()}).Serve(w, r, "/9/nginx", api.Options{})
		if want := `{"address":"` + c.want + `"}`; w.Body.String() != want {
			t.Errorf("%s, want %s", w.Body, want)
		}
	}
}
