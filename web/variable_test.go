package web_test

import (
	"os"
	"strings"
	"testing"

	"weir/web"
	"weir/web/modules/status"
)

// documented returns the lines of testdata/variables.tsv, without the dollar sign of the name.
func documented(t *testing.T) (rows [][]string) {
	t.Helper()
	raw, err := os.ReadFile("testdata/variables.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if len(fields) == 3 && strings.HasPrefix(fields[1], "$") {
			fields[1] = fields[1][1:]
			rows = append(rows, fields)
		}
	}
	if len(rows) < 150 {
		t.Fatalf("only %d variables", len(rows))
	}
	return rows
}

func newTable(t *testing.T) *web.VarTable {
	t.Helper()
	vars := web.NewVarTable()
	for _, v := range status.Variables() {
		if err := vars.Define(v); err != nil {
			t.Fatal(err)
		}
	}
	return vars
}

// TestDocumentedVariablesAreKnown checks that each variable of nginx can be used, also one without a value.
func TestDocumentedVariablesAreKnown(t *testing.T) {
	vars := newTable(t)
	for _, row := range documented(t) {
		name := row[1]
		if strings.HasSuffix(name, "_") {
			name += "x"
		}
		vars.Index(name)
	}
	if unknown := vars.Resolve(); len(unknown) > 0 {
		t.Errorf("unknown: %v", unknown)
	}
}

// TestVariablesThatSetChanges checks which variables of nginx can be defined again.
func TestVariablesThatSetChanges(t *testing.T) {
	for _, row := range documented(t) {
		err := newTable(t).Define(web.Variable{Name: row[1], Get: func(*web.Request) (string, bool) { return "", true }})
		if row[2] != "-" && (err == nil) != (row[2] == "yes") {
			t.Errorf("$%s: %v, want can_set %s", row[1], err, row[2])
		}
	}
}

func TestUnknownVariables(t *testing.T) {
	vars := newTable(t)
	for _, name := range []string{"ssl_protocols", "trailer_x", "memcached_key", "quic", "nginx"} {
		vars.Index(name)
	}
	if unknown := vars.Resolve(); len(unknown) != 5 {
		t.Errorf("unknown: %v", unknown)
	}
}
