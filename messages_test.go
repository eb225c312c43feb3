package weir_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	// documented matches the first cell of a row of docs/troubleshooting.md: a message in backquotes.
	documented = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")
	// variable matches placeholders for values in a documented message, and places where the program may
	// join the parts of a message.
	variable = regexp.MustCompile(`"?\b[A-Z]+\b"?|, `)
)

// TestTroubleshootingMessages checks that each of weir's own messages in docs/troubleshooting.md is in
// the source.
func TestTroubleshootingMessages(t *testing.T) {
	text, err := os.ReadFile("docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, own, found := strings.Cut(string(text), "## Not supported yet")
	if !found {
		t.Fatal("docs/troubleshooting.md has no part about weir's own messages")
	}
	known := literals(t)
	rows := documented.FindAllStringSubmatch(own, -1)
	if len(rows) == 0 {
		t.Fatal("docs/troubleshooting.md explains no message")
	}
	for _, m := range rows {
		for _, part := range variable.Split(m[1], -1) {
			if part = strings.Trim(part, ` "`); len(part) > 2 && !strings.Contains(known, part) {
				t.Errorf("docs/troubleshooting.md explains %q, but nothing logs %q", m[1], part)
			}
		}
	}
}

// literals returns the string literals of the program, one per line.
func literals(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, path := range sources(t, ".go") {
		if strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "conformance") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				value, _ := strconv.Unquote(lit.Value)
				all.WriteString(value + "\n")
			}
			return true
		})
	}
	return all.String()
}
