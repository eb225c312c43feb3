package metrics_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"weir/runtime/metrics"
)

var update = flag.Bool("update", false, "write docs/metrics.md")

const page = "../../docs/metrics.md"

const introduction = `# Metrics

Written by ` + "`go test ./runtime/metrics -update`" + ` from the metrics of a configuration with everything.

A location with ` + "`prometheus;`" + ` serves these metrics, as does the vendor's recipe with ` + "`js_content prometheus.metrics;`" + `:

` + "```nginx" + `
http {
    server {
        listen 9113;
        location = /metrics {
            prometheus;
        }
    }
}
` + "```" + `

Those that begin with ` + "`nginxplus_`" + ` have the names, labels and units of nginx-prometheus-exporter. Series with the address of an earlier server of the
same group also have the label ` + "`id`" + `. A client that accepts OpenMetrics gets it; the counters of the exporter, whose names do not end with ` + "`_total`" + `,
have the type unknown there. [examples/monitoring](../examples/monitoring/README.md) has a configuration of Prometheus, alerts and a Grafana dashboard.

| metric | type | meaning |
| --- | --- | --- |
`

// TestPage compares docs/metrics.md with the families that are written.
func TestPage(t *testing.T) {
	var want strings.Builder
	want.WriteString(introduction)
	help := ""
	for line := range strings.Lines(string(metrics.Append(nil, fakeSource{}, false))) {
		if text, ok := strings.CutPrefix(line, "# HELP "); ok {
			_, help, _ = strings.Cut(strings.TrimSpace(text), " ")
		}
		if text, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(strings.TrimSpace(text), " ")
			fmt.Fprintf(&want, "| `%s` | %s | %s |\n", name, kind, help)
		}
	}
	if *update {
		if err := os.WriteFile(page, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil || string(got) != want.String() {
		t.Errorf("docs/metrics.md is not up to date (%v): run go test ./runtime/metrics -update", err)
	}
}
