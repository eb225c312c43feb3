package directives

import (
	"slices"
	"strings"
	"testing"

	"weir/directives/conf"
)

// contextsOf maps the contexts of the documentation to weir's Contexts, for the blocks that weir
// reads.
var contextsOf = map[string]conf.Context{
	"main": conf.Main, "events": conf.Events, "stream": conf.Stream, "server": conf.Server, "upstream": conf.Upstream,
	"mgmt": conf.Mgmt, "http": conf.HTTP, "location": conf.Location,
}

// httpContextsOf is contextsOf for the modules of http {}.
var httpContextsOf = map[string]conf.Context{
	"main": conf.Main, "http": conf.HTTP, "server": conf.HTTPServer, "location": conf.Location, "limit_except": conf.LimitExcept,
	"if": httpIf, "if in location": conf.IfInLocation,
}

// in returns the documented contexts of a directive.
func (d *documented) in() (all conf.Context) {
	names := contextsOf
	if d.inHTTP() {
		names = httpContextsOf
	}
	for _, name := range d.contexts {
		all |= names[name]
	}
	switch d.name {
	case "include": // documented for any context
		return conf.Main | conf.Events | conf.Stream | conf.Server | conf.Upstream | conf.Mgmt | httpLevels
	case "error_log", "status_zone": // their servers are those of both blocks
		return all | conf.HTTPServer | conf.Server
	}
	return all
}

// spread lists the other modules of directives that are documented with one: nginx's error_log is one
// directive of all its cores, and status_zone one of servers of both kinds.
var spread = map[string][]string{
	"error_log":   {"ngx_stream_core_module", "ngx_http_core_module"},
	"status_zone": {"ngx_stream_api_module"},
}

// rowsOf returns the rows for a documented directive.
func rowsOf(d *documented) (rows []*conf.Row) {
	for _, r := range conf.Rows(modules) {
		if r.Name == d.name && (r.Module == d.module || slices.Contains(spread[d.name], r.Module)) {
			rows = append(rows, r)
		}
	}
	return rows
}

// undocumented lists the rows of weir's tables that the listing does not contain, with the reason
// for each.
var undocumented = map[string]string{
	"ngx_stream_core_module error_log":                "its contexts are documented with ngx_core_module",
	"ngx_http_core_module error_log":                  "its contexts are documented with ngx_core_module",
	"ngx_core_module epoll_events":                    "in nginx's source only",
	"ngx_stream_api_module status_zone":               "documented with ngx_http_api_module, for stream servers as well",
	"ngx_stream_proxy_module proxy_downstream_buffer": "in nginx's source only: an old name of proxy_buffer_size",
	"ngx_stream_proxy_module proxy_upstream_buffer":   "in nginx's source only: an old name of proxy_buffer_size",
	"ngx_mail_core_module mail":                       "a block that is skipped",
}

// TestEveryDirectiveIsKnown compares the tables with the documentation, in both directions.
func TestEveryDirectiveIsKnown(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range listing(t) {
		seen[d.key()] = true
		if len(rowsOf(d)) == 0 {
			t.Errorf("%s is documented and not in a table", d.key())
		}
	}
	for _, r := range conf.Rows(modules) {
		key := r.Module + " " + r.Name
		if !seen[key] && undocumented[key] == "" && !r.Extension {
			t.Errorf("%s is in a table and not documented", key)
		}
	}
}

// TestContexts compares the contexts in which directives are allowed.
func TestContexts(t *testing.T) {
	for _, d := range served(t) {
		want := d.in()
		var got conf.Context
		for _, r := range rowsOf(d) {
			got |= r.In
		}
		if got != want {
			t.Errorf("%s: got contexts %b, want %b (%s)", d.key(), got, want, strings.Join(d.contexts, ", "))
		}
	}
}

// TestDefaultsAreTheDocumentedOnes compares the defaults in the tables; each module's own test
// checks that weir uses them.
func TestDefaultsAreTheDocumentedOnes(t *testing.T) {
	for _, d := range served(t) {
		rows := rowsOf(d)
		if !slices.ContainsFunc(rows, func(r *conf.Row) bool { return r.Default == d.fallback }) {
			t.Errorf("%s: got default %q, want %q", d.key(), rows[0].Default, d.fallback)
		}
	}
}

func TestBodies(t *testing.T) {
	for _, d := range served(t) {
		for _, r := range rowsOf(d) {
			if hasBody := r.Body != conf.Simple; hasBody != d.hasBody() {
				t.Errorf("%s: has a body is %v, want %v", d.key(), hasBody, d.hasBody())
			}
		}
	}
}

// served returns the documented directives of blocks that weir reads.
func served(t *testing.T) []*documented {
	t.Helper()
	return slices.DeleteFunc(listing(t), func(d *documented) bool { return len(rowsOf(d)) == 0 })
}

// otherTakes lists the numbers of arguments that nginx accepts where they differ from the
// documented syntax: nginx itself counts the parameters of open lists, with messages of its own.
var otherTakes = map[string]takes{
	"ngx_core_module error_log":                           anyWord &^ noWord,
	"ngx_stream_core_module listen":                       anyWord &^ noWord,
	"ngx_stream_log_module access_log":                    anyWord &^ noWord,
	"ngx_stream_js_module js_fetch_protocols":             anyWord &^ noWord,
	"ngx_stream_proxy_module proxy_ssl_protocols":         anyWord &^ noWord,
	"ngx_stream_ssl_module ssl_protocols":                 anyWord &^ noWord,
	"ngx_stream_zone_sync_module zone_sync_ssl_protocols": anyWord &^ noWord,
	// The word utf8 is not documented.
	"ngx_stream_geoip_module geoip_city":    1<<1 | 1<<2,
	"ngx_stream_geoip_module geoip_country": 1<<1 | 1<<2,
	"ngx_stream_geoip_module geoip_org":     1<<1 | 1<<2,
	// All arguments are optional, and the list may be empty.
	"ngx_stream_upstream_module random":          noWord | 1<<1 | 1<<2,
	"ngx_stream_upstream_hc_module health_check": anyWord,
	"ngx_http_api_module api":                    noWord | oneWord,
	"ngx_http_log_module access_log":             anyWord &^ noWord,
	"ngx_http_ssl_module ssl_protocols":          anyWord &^ noWord,
	// The words of a condition are counted as arguments.
	"ngx_http_rewrite_module if": anyWord &^ noWord,
	// An argument of earlier versions is accepted.
	"ngx_http_stub_status_module stub_status": noWord | oneWord,
}

// takesOf returns the numbers of arguments that nginx accepts for a documented directive.
func takesOf(d *documented) takes {
	if other, ok := otherTakes[d.key()]; ok {
		return other
	}
	return d.takes()
}

// mostTried is one more than the highest upper bound of any directive.
const mostTried = 10

// TestNumbersOfArguments tries every directive with no argument, with one, and up to more than it
// takes.
func TestNumbersOfArguments(t *testing.T) {
	for _, d := range served(t) {
		t.Run(d.key(), func(t *testing.T) {
			if d.name == "include" {
				t.Skip("the parser follows it, and tests it")
			}
			for _, r := range rowsOf(d) {
				for n := range mostTried + 1 {
					checkNumber(t, r, n, takesOf(d).has(n))
				}
			}
		})
	}
}

func checkNumber(t *testing.T, r *conf.Row, n int, want bool) {
	t.Helper()
	context := firstPlace(r)
	refusal := `invalid number of arguments in "` + r.Name + `" directive in /p/nginx.conf:3`
	text := place(context, written(r.Name, words(n), r.Body != conf.Simple))
	if got := firstError(t, text) != refusal; got != want {
		t.Errorf("%d arguments are taken: %v, want %v", n, got, want)
	}
}

func TestCoverageCountsEveryRowOnce(t *testing.T) {
	c := Coverage()
	extensions := 0
	for _, r := range conf.Rows(modules) {
		if r.Extension {
			extensions++
		}
	}
	if sum := c.Full + c.Inert + c.Refused; sum != c.Total || c.Total != len(conf.Rows(modules))-extensions {
		t.Errorf("got %+v of %d rows with %d extensions", c, len(conf.Rows(modules)), extensions)
	}
}
