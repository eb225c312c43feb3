package directives

import (
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"strings"
	"testing"
	"time"

	"weir/directives/conf"
	"weir/parser"
)

// places lists the contexts in which a directive can be tried, by nginx's names.
var places = []struct {
	name    string
	context conf.Context
	around  string // a configuration with %s for the directive, which begins on line 2
}{
	{"main", conf.Main, "# main\n%s\n"},
	{"events", conf.Events, "events {\n%s\n}\n"},
	{"stream", conf.Stream, "stream {\n%s\n}\n"},
	{"server", conf.Server, "stream { server {\n%s\n} }\n"},
	{"upstream", conf.Upstream, "stream { upstream u {\n%s\n} }\n"},
	{"mgmt", conf.Mgmt, "mgmt {\n%s\n}\n"},
	{"http", conf.HTTP, "http {\n%s\n}\n"},
	{"server in http", conf.HTTPServer, "http { server {\n%s\n} }\n"},
	{"location", conf.Location, "http { server { location /x {\n%s\n} } }\n"},
	{"limit_except", conf.LimitExcept, "http { server { location / { limit_except GET {\n%s\n} } } }\n"},
	{"if in server", conf.IfInServer, "http { server { if ($host) {\n%s\n} } }\n"},
	{"if in location", conf.IfInLocation, "http { server { location / { if ($host) {\n%s\n} } } }\n"},
}

// place returns a configuration with text in that context, from line 2 on.
func place(context conf.Context, text string) string {
	for _, p := range places {
		if p.context == context {
			return fmt.Sprintf(p.around, text)
		}
	}
	panic("no place for that context")
}

// firstPlace returns a context in which the row's directive is allowed.
func firstPlace(r *conf.Row) conf.Context {
	for _, p := range places {
		if r.In&p.context != 0 {
			return p.context
		}
	}
	panic("no place for " + r.Name)
}

// written returns the directive with its arguments, and its end on the next line.
func written(name string, args []string, body bool) string {
	end := ";"
	if body {
		end = "{ }"
	}
	return strings.Join(append([]string{name}, args...), " ") + "\n" + end
}

// words returns n arguments without meaning.
func words(n int) []string { return strings.Fields(strings.Repeat("1 ", n)) }

// testEnv returns an Env that asks the machine only for files. It has the users root and mqtt with groups
// of these names, and nobody without one.
func testEnv() *conf.Env {
	users := map[string]int{"root": 0, "mqtt": 1883, "nobody": 65534}
	return &conf.Env{
		Prefix: "/p/", ConfPrefix: "/p/", ErrorLog: "stderr", PidFile: "/p/nginx.pid", Root: true, Now: time.Now,
		ReadFile:   os.ReadFile,
		ReadState:  os.ReadFile,
		LookupHost: func(string) ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil },
		UserID: func(name string) (int, error) {
			if id, ok := users[name]; ok {
				return id, nil
			}
			return 0, user.UnknownUserError(name)
		},
		GroupExists: func(name string) bool { return name == "root" || name == "mqtt" },
		Hostname:    func() string { return "Edge-1" },
	}
}

// firstError returns weir's first error for text, the contents of /p/nginx.conf; empty if it is
// accepted.
func firstError(t *testing.T, text string) string {
	t.Helper()
	_, found := Load(parser.Source{Path: "/p/nginx.conf", Text: []byte(text)}, testEnv())
	if d, refused := found.FirstEmerg(); refused {
		return d.Error()
	}
	return ""
}

func checkError(t *testing.T, text, want string) {
	t.Helper()
	if got := firstError(t, text); got != want {
		t.Errorf("got %q, want %q, for\n%s", got, want, text)
	}
}
