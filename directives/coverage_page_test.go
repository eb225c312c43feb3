package directives

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"weir/directives/conf"
)

var update = flag.Bool("update", false, "write docs/coverage.md and packaging/weir.conf.5")

const coveragePath = "../docs/coverage.md"

// TestCoveragePage compares docs/coverage.md with the tables; -update rewrites the file.
func TestCoveragePage(t *testing.T) {
	want := coveragePage(t)
	if *update {
		if err := os.WriteFile(coveragePath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(coveragePath)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the tables say: go test ./directives -run TestCoveragePage -update", coveragePath)
	}
}

// coveragePage returns a chapter for every page of nginx's documentation, with a table of its
// directives.
func coveragePage(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	n := Coverage()
	fmt.Fprintf(&b, `# Coverage

Written by `+"`go test ./directives -run TestCoveragePage -update`"+` from weir's tables and the list of documented directives.

Of %d directives weir supports **%d**, accepts **%d** without effect (inert), and recognises **%d** that it does not
support: it rejects them with a message. Directives of `+"`http {}`"+` that are not listed here are accepted without effect.

`, n.Total, n.Full, n.Inert, n.Refused)
	writeKinds(t, &b)
	page := ""
	for _, d := range listing(t) {
		if path, _, _ := strings.Cut(d.page, "#"); path != page {
			page = path
			name := strings.TrimSuffix(page[strings.LastIndexByte(page, '/')+1:], ".html")
			fmt.Fprintf(&b, "\n## [%s](https://nginx.org/en/docs/%s)\n\n| directive | where | weir |\n| --- | --- | --- |\n", name, page)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", d.name, strings.Join(contextNames(rowsOf(d)), ", "), supportOf(t, d))
	}
	b.WriteString("\n## Beyond nginx's documentation\n\n| directive | where | module |\n| --- | --- | --- |\n")
	writeExtensions(&b)
	return b.String()
}

// A kind is a group of documented directives.
type kind struct {
	name string
	has  func(d *documented) bool
}

// kinds lists the groups; a directive counts in the first one that contains it.
var kinds = []kind{
	{"of `http {}`", (*documented).inHTTP},
	{"of NGINX Plus", func(d *documented) bool { return d.commercial == "yes" }},
	{"of njs", func(d *documented) bool { return d.module == "ngx_stream_js_module" }},
	{"for TLS", func(d *documented) bool { return strings.Contains(d.name, "ssl_") || d.name == "proxy_ssl" }},
	{"**open source, without TLS and njs**", func(*documented) bool { return true }},
}

func kindOf(d *documented) int {
	return slices.IndexFunc(kinds, func(k kind) bool { return k.has(d) })
}

// writeKinds counts the directives by kind.
func writeKinds(t *testing.T, b *strings.Builder) {
	t.Helper()
	counts := make([]map[conf.Support]int, len(kinds))
	for i := range counts {
		counts[i] = map[conf.Support]int{}
	}
	for _, d := range listing(t) {
		counts[kindOf(d)][supportOf(t, d)]++
	}
	b.WriteString("| directives | full | inert | refused |\n| --- | ---: | ---: | ---: |\n")
	for i, k := range slices.Backward(kinds) {
		n := counts[i]
		fmt.Fprintf(b, "| %s | %d | %d | %d |\n", k.name, n[conf.Full], n[conf.Inert], n[conf.Refused])
	}
}

func contextNames(rows []*conf.Row) (names []string) {
	for _, p := range places {
		if slices.ContainsFunc(rows, func(r *conf.Row) bool { return r.In&p.context != 0 }) {
			names = append(names, p.name)
		}
	}
	return names
}

// supportOf returns the level of support, which must be the same in all places.
func supportOf(t *testing.T, d *documented) conf.Support {
	t.Helper()
	rows := rowsOf(d)
	for _, r := range rows {
		if r.Support != rows[0].Support {
			t.Fatalf("%s is supported in one place and not in another", d.key())
		}
	}
	return rows[0].Support
}

// writeExtensions lists the directives that nginx's documentation does not contain.
func writeExtensions(b *strings.Builder) {
	for _, r := range conf.Rows(modules) {
		if r.Extension {
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", r.Name, strings.Join(contextNames([]*conf.Row{r}), ", "), r.Module)
		}
	}
}
