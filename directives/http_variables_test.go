package directives

import (
	"os"
	"strings"
	"testing"
)

// webVariableUses are the places where a variable may stand in http {}.
var webVariableUses = map[string]string{
	"log_format": "http { log_format f $NAME; server { listen 127.0.0.1:9321; } }",
	"map":        "http { map $NAME $to { default $NAME; } server { listen 127.0.0.1:9321; return 200 $to; } }",
	"return":     "http { server { listen 127.0.0.1:9321; return 200 $NAME; } }",
	"if":         "http { server { listen 127.0.0.1:9321; if ($NAME) { return 403; } } }",
	"add_header": "http { server { listen 127.0.0.1:9321; add_header X-A $NAME; } }",
}

// TestVariablesOfHTTP checks that directives accept each variable of nginx, and no other one.
func TestVariablesOfHTTP(t *testing.T) {
	raw, err := os.ReadFile("../web/testdata/variables.tsv")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"unknown_one"}
	for line := range strings.Lines(string(raw)) {
		if fields := strings.Split(line, "\t"); len(fields) == 3 && strings.HasPrefix(fields[1], "$") {
			names = append(names, fields[1][1:])
		}
	}
	for _, name := range names {
		for place, text := range webVariableUses {
			want := ""
			if name == "unknown_one" {
				want = "unknown \"unknown_one\" variable"
			}
			_, got := compileIn(testEnv(), "events {} "+strings.ReplaceAll(text, "NAME", name))
			if (got == "") != (want == "") || !strings.Contains(got, want) {
				t.Errorf("$%s in %s: got %q, want %q", name, place, got, want)
			}
		}
	}
}
