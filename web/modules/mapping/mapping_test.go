package mapping_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"

	"weir/web"
	"weir/web/modules/mapping"
	"weir/web/webtest"
)

// show answers with the value of a variable.
type show struct{ index int }

func (c *show) Serve(r *web.Request) web.Outcome {
	text, _ := r.Value(c.index)
	return r.Send(http.StatusOK, "", text)
}

// newServer returns a server that answers with the value of a map for $arg_a.
func newServer(t *testing.T, set func(*mapping.Map) error) *webtest.Server {
	t.Helper()
	content := &show{}
	s := webtest.New(t, content)
	m := mapping.New(s.Template("$arg_a"), s.Vars)
	if err := set(m); err != nil {
		t.Fatal(err)
	}
	if err := s.Vars.Define(web.Variable{Name: "to", Get: m.Get}); err != nil {
		t.Fatal(err)
	}
	content.index = s.Vars.Index("to")
	return s
}

// add returns a function that adds pairs of a key and a value.
func add(hostnames bool, pairs ...string) func(*mapping.Map) error {
	return func(m *mapping.Map) error {
		if hostnames {
			m.Hostnames()
		}
		for i := 0; i < len(pairs); i += 2 {
			if err := m.Add(pairs[i], pairs[i+1]); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestGet(t *testing.T) {
	plain := newServer(t, add(false, "default", "none", "a", "1", "B", "2", `\default`, "word", "~^x(.*)$", "<$1>", "~*^Y", "y", "", "empty",
		"~^z(?<rest>.*)$", "$rest$uri"))
	masks := newServer(t, add(true, "*.example.com", "sub", ".example.org", "all", "www.*", "www", "www.example.com", "exact", "~example", "re"))
	for _, tt := range []struct {
		server         *webtest.Server
		argument, want string
	}{
		{plain, "a", "1"}, {plain, "A", "1"}, {plain, "b", "2"}, {plain, "default", "word"}, {plain, "", "empty"}, {plain, "q", "none"},
		{plain, "xyz", "<yz>"}, {plain, "x", "<>"}, {plain, "yes", "y"}, {plain, "Xy", "none"}, {plain, "z7", "7/"},
		{masks, "www.example.com", "exact"}, {masks, "www.example.com.", "exact"}, {masks, "a.b.example.com", "sub"}, {masks, "example.org", "all"},
		{masks, "a.example.org", "all"}, {masks, "www.other.net", "www"}, {masks, "example.com", "re"}, {masks, "other", ""},
	} {
		if got := tt.server.Do("/?a=" + tt.argument); got.Body != tt.want {
			t.Errorf("%q: got %q, want %q", tt.argument, got.Body, tt.want)
		}
	}
}

func TestAddErrors(t *testing.T) {
	for _, tt := range []struct {
		set  func(*mapping.Map) error
		want string
	}{
		{add(false, "default", "1", "default", "2"), "duplicate default map parameter"},
		{add(false, "a", "1", "A", "2"), `conflicting parameter "a"`},
		{add(false, "a", "$"), "invalid variable name"},
		{add(true, "a.*.b", "1"), `invalid hostname or wildcard "a.*.b"`},
	} {
		vars := web.NewVarTable()
		if err := tt.set(mapping.New(web.Literal(""), vars)); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	if err := add(false, "~(", "1")(mapping.New(web.Literal(""), web.NewVarTable())); err == nil {
		t.Error("a broken pattern is accepted")
	}
}

// TestRequestsHaveTheirOwnCaptures checks requests at the same time.
func TestRequestsHaveTheirOwnCaptures(t *testing.T) {
	s := newServer(t, add(false, `~^(\d+)$`, "$1"))
	s.Do("/")
	var wait sync.WaitGroup
	for n := range 8 {
		wait.Go(func() {
			for i := range 50 {
				want := strconv.Itoa(100*n + i)
				if got := s.Do("/?a=" + want); got.Body != want {
					t.Errorf("got %q, want %q", got.Body, want)
				}
			}
		})
	}
	wait.Wait()
}
