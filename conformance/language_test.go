package conformance

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the reference in README.md")

const (
	readmePath     = "README.md"
	referenceBegin = "<!-- reference -->\n"
	referenceEnd   = "<!-- end of reference -->\n"
)

// TestLanguageReference compares the reference in README.md with the tables of commands and values; -update writes it.
func TestLanguageReference(t *testing.T) {
	text, err := os.ReadFile(readmePath)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, hasBegin := strings.Cut(string(text), referenceBegin)
	_, after, hasEnd := strings.Cut(rest, referenceEnd)
	if !hasBegin || !hasEnd {
		t.Fatalf("%s has no place for the reference", readmePath)
	}
	want := before + referenceBegin + reference() + referenceEnd + after
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatalf("the reference in %s is not current: go test ./conformance -run TestLanguageReference -update", readmePath)
	}
	if err := os.WriteFile(readmePath, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestUsages checks that each command and each kind of value has a description.
func TestUsages(t *testing.T) {
	for name, c := range commands {
		if _, what := splitUsage(c.usage); what == "" {
			t.Errorf("command %s: %q does not say what it does", name, c.usage)
		}
	}
	for name, k := range kinds {
		if _, what := splitUsage(k.usage); what == "" {
			t.Errorf("kind %s: %q does not say what it stands for", name, k.usage)
		}
	}
}

// TestReadmeScript runs the script that README.md shows.
func TestReadmeScript(t *testing.T) {
	text, err := os.ReadFile(readmePath)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```\n#")
	shown, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatalf("%s shows no script", readmePath)
	}
	s, err := ParseScript("readme/example", []byte("#"+shown))
	if err != nil {
		t.Fatal(err)
	}
	if err := Execute(findWeir(t), s, t.TempDir(), Differences{}); err != nil {
		t.Error(err)
	}
}

// reference returns a table for each group of commands, and one for the kinds of values.
func reference() string {
	var b strings.Builder
	for _, g := range groups {
		fmt.Fprintf(&b, "\n### %s\n\n| command | effect |\n| --- | --- |\n", g.title)
		for _, name := range slices.Sorted(maps.Keys(g.commands)) {
			args, what := splitUsage(g.commands[name].usage)
			writeRow(&b, strings.TrimSpace(name+" "+args), what)
		}
	}
	b.WriteString("\n### Values\n\nPEER*WEIGHT stands for the peers of the group in their order, each with its weight.\n\n| in braces | value |\n| --- | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		args, what := splitUsage(kinds[name].usage)
		writeRow(&b, strings.TrimSpace(name+" "+args), what)
	}
	b.WriteByte('\n')
	return b.String()
}

func writeRow(b *strings.Builder, use, what string) {
	fmt.Fprintf(b, "| `%s` | %s |\n", strings.ReplaceAll(use, "|", `\|`), strings.ReplaceAll(what, "|", `\|`))
}

// splitUsage splits a usage into the arguments, which may be empty, and the description.
func splitUsage(usage string) (args, what string) {
	args, what, found := strings.Cut(usage, "  ")
	if !found {
		return "", usage
	}
	return args, what
}
