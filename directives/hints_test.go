package directives

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"weir/directives/conf"
	"weir/parser"
)

// TestHints compares the position and the hint of the first error.
func TestHints(t *testing.T) {
	for name, row := range map[string]struct {
		conf string
		want string // LINE:COLUMN, and the hint
	}{
		"unknown":            {"stream { server {\nlisten 1; proxy_timout 1s; } }", `2:11 did you mean "proxy_timeout"?`},
		"unknown here":       {"stream { upstrem u { } }", `1:10 did you mean "upstream"?`},
		"unknown elsewhere":  {"stream { upstream u { proxy_timout 1s; } }", `1:23 did you mean "proxy_timeout"?`},
		"unlike anything":    {"stream { qwertyuiop; }", `1:10 `},
		"not here":           {"stream { listen 1; }", `1:10 it is allowed in: server`},
		"in several places":  {"events { error_log x; }", `1:10 it is allowed in: main, stream, server, http, location`},
		"in http only":       {"stream { gzip on; }", `1:10 it belongs to a block that weir does not serve, such as "http"`},
		"a block of http":    {"stream { location / { } }", "1:10 it is allowed in: server, location"},
		"parameter":          {"stream { upstream u { server 127.0.0.1:1 wieght=2; } }", `1:42 did you mean "weight="?`},
		"parameter, no =":    {"stream { upstream u { server 127.0.0.1:1 bakcup; } }", `1:42 did you mean "backup"?`},
		"value of parameter": {"stream { upstream u { server 127.0.0.1:1 weight=x; } }", `1:42 `},
		"method":             {"stream { upstream u { hash a consistant; } }", `1:30 did you mean "consistent"?`},
		"listen":             {"stream { server { listen 1 reusport; } }", `1:28 did you mean "reuseport"?`},
		"no semicolon":       {"stream { server {\nlisten 1\nproxy_pass 127.0.0.1:1;\n} }", `3:1 a ";" seems to be missing after "1" in line 2`},
		"no semicolon, none": {"stream { upstream u {\nleast_conn\nserver 127.0.0.1:1; } }", `2:1 a ";" seems to be missing after "least_conn" in line 2`},
		"quoted":             {"stream { log_format f\n'server' 'x'; upstream u { } }", `2:24 `},
		"refused":            {"stream { server { zone_sync; } }", `1:19 ` + hints.Remedies["ngx_stream_zone_sync_module"]},
		"variable":           {"stream { server { listen 1;\nreturn a-$remote_adr; } }", `2:8 did you mean "$remote_addr"?`},
		"variable in braces": {"stream { server { listen 1;\nreturn ${REMOTE_adr}; } }", `2:8 did you mean "$remote_addr"?`},
		"field":              {"stream { server { listen 1; proxy_pass 127.0.0.1:1; mqtt_set_connect usrname x; } }", `1:70 did you mean "username"?`},
		"group of a user": {
			"user nobody;", "1:6 without a second argument the group has the user's name; if it has another: user nobody GROUP;",
		},
		"own variable": {"stream { map $pid $tenant { } server { listen 1; return $tennant; } }", `1:57 did you mean "$tenant"?`},
	} {
		t.Run(name, func(t *testing.T) {
			_, found := Load(parser.Source{Path: "/p/nginx.conf", Text: []byte(row.conf)}, testEnv())
			first, refused := found.FirstEmerg()
			if !refused {
				t.Fatal("not refused")
			}
			if got := fmt.Sprintf("%d:%d %s", first.Pos.Line, first.Pos.Col, first.Hint); got != row.want {
				t.Errorf("got %q, want %q (%s)", got, row.want, first.Error())
			}
		})
	}
}

var documentedParameter = regexp.MustCompile(`\[(\w+=?)`)

// TestHintsKnowOwnParameters compares the parameters with those that weir's tables mark as its own.
func TestHintsKnowOwnParameters(t *testing.T) {
	for _, row := range conf.Rows(modules) {
		known := hints.Parameters[row.Name]
		for _, own := range row.Own {
			name, _, hasValue := strings.Cut(own, "=")
			if hasValue {
				name += "="
			}
			if known != nil && !slices.Contains(known, name) {
				t.Errorf("%s: %q is not suggested", row.Name, name)
			}
		}
	}
}

// TestHintsKnowTheParameters compares the parameters with those that the syntax of nginx's documentation lists.
func TestHintsKnowTheParameters(t *testing.T) {
	for _, d := range listing(t) {
		known := hints.Parameters[d.name]
		if known == nil || d.inHTTP() || !strings.HasPrefix(d.module, "ngx_stream_") {
			continue
		}
		for _, syntax := range d.syntax {
			for _, m := range documentedParameter.FindAllStringSubmatch(syntax, -1) {
				if !slices.Contains(known, m[1]) {
					t.Errorf("%s: %q is documented and not suggested", d.name, m[1])
				}
			}
		}
	}
	for name, all := range hints.Parameters {
		if !slices.IsSorted(all) {
			t.Errorf("the parameters of %s are not sorted", name)
		}
	}
}

// TestRemediesAreNeeded checks that each remedy is for a directive or module that is still refused.
func TestRemediesAreNeeded(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(hints.Remedies)) {
		if !slices.ContainsFunc(conf.Rows(modules), func(r *conf.Row) bool {
			return r.Support == conf.Refused && (r.Module == name || r.Name == name)
		}) {
			t.Errorf("nothing of %s is refused any more", name)
		}
	}
}
