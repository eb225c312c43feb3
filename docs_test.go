package weir_test

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"weir/conformance/authority"
	"weir/directives"
	"weir/parser"
)

var update = flag.Bool("update", false, "write the numbers in README.md")

// shownFiles has the content for files of TLS that a shown configuration names, by the ending of the name.
var shownFiles = sync.OnceValue(func() map[string]string {
	dir, err := os.MkdirTemp("", "weir-docs-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ca, err := authority.New(dir, "ca")
	if err != nil {
		panic(err)
	}
	server, err := ca.Server("mqtt.example.com")
	if err != nil {
		panic(err)
	}
	list, err := ca.Revoke()
	if err != nil {
		panic(err)
	}
	files := map[string]string{}
	for ending, path := range map[string]string{".pem": server.Cert, ".key": server.Key, ".crl": list} {
		text, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		files[ending] = string(text)
	}
	return files
})

// readShown reads a file that a shown configuration names.
func readShown(path string) ([]byte, error) {
	if text, ok := shownFiles()[filepath.Ext(path)]; ok {
		return []byte(text), nil
	}
	return os.ReadFile(path)
}

// compile loads a configuration from the project's files, and returns weir's messages about it.
func compile(path, text string) []string {
	env := directives.MachineEnv(context.Background())
	env.Prefix, env.ConfPrefix, env.ErrorLog, env.PidFile = "/usr/share/nginx/", filepath.Dir(path)+"/", "stderr", "/run/nginx.pid"
	env.LookupHost = func(string) ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil }
	env.ReadFile = readShown
	_, found := directives.Load(parser.Source{Path: path, Text: []byte(text)}, env)
	var said []string
	for _, d := range found {
		said = append(said, fmt.Sprintf("[%s] %s", d.Severity, d.Error()))
	}
	return said
}

func TestExamplesCompile(t *testing.T) {
	examples, err := filepath.Glob("examples/*/nginx.conf")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	examples = append(examples, "packaging/nginx.conf", "packaging/charts/weir/files/nginx.conf")
	for _, path := range examples {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range compile(path, string(text)) {
			t.Errorf("weir says %s", line)
		}
	}
}

var fenced = regexp.MustCompile("(?ms)^```nginx\n(.*?)^```")

// TestShownConfigurationsCompile compiles every block of Markdown that is marked as nginx. A block without
// events is part of a configuration: of its stream block, unless it has one or an http block.
func TestShownConfigurationsCompile(t *testing.T) {
	shown := 0
	for _, path := range sources(t, ".md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range fenced.FindAllStringSubmatchIndex(string(text), -1) {
			shown++
			line := 1 + strings.Count(string(text[:block[2]]), "\n")
			for _, said := range compile(path, whole(string(text[block[2]:block[3]]))) {
				t.Errorf("%s:%d: weir says %s", path, line, said)
			}
		}
	}
	if shown == 0 {
		t.Error("no configuration is shown anywhere")
	}
}

// whole completes part to a whole configuration.
func whole(part string) string {
	if strings.Contains(part, "events {") {
		return part
	}
	if strings.Contains(part, "stream {") || strings.Contains(part, "http {") {
		return "events { } " + part
	}
	return "events { } stream { " + part + " }"
}

// coverage returns the part of README.md that counts the directives by their support.
func coverage() string {
	n := directives.Coverage()
	return fmt.Sprintf("%d supported, %d accepted without effect, %d recognised but not supported yet, of %d", n.Full, n.Inert, n.Refused, n.Total)
}

var coverageSentence = regexp.MustCompile(`\d+ supported, \d+ accepted without effect, \d+ recognised but not supported yet, of \d+`)

// TestReadmeCoverage compares README.md with the tables; -update writes it.
func TestReadmeCoverage(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	got := coverageSentence.FindString(string(text))
	if got == coverage() {
		return
	}
	if !*update || got == "" {
		t.Fatalf("README.md says %q, want %q", got, coverage())
	}
	if err := os.WriteFile("README.md", coverageSentence.ReplaceAll(text, []byte(coverage())), 0o644); err != nil {
		t.Fatal(err)
	}
}

// link matches a Markdown link to a file of the project: its path, which may be empty, and its anchor.
var link = regexp.MustCompile(`\]\(([^)#:]*)(?:#([^)]*))?\)`)

// TestDocLinks checks that the target of each link in a Markdown file exists: a file, and a heading for
// the anchor.
func TestDocLinks(t *testing.T) {
	for _, path := range sources(t, ".md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(withoutCode(string(text)), -1) {
			checkLink(t, path, m[1], m[2])
		}
	}
}

func checkLink(t *testing.T, from, path, anchor string) {
	t.Helper()
	to := from
	if path != "" {
		to = filepath.Join(filepath.Dir(from), path)
	}
	text, err := os.ReadFile(to)
	switch info, statErr := os.Stat(to); {
	case statErr != nil:
		t.Errorf("%s links to %s: %v", from, path, statErr)
	case info.IsDir() || anchor == "" || !strings.HasSuffix(to, ".md"):
	case err != nil:
		t.Error(err)
	case !slices.Contains(anchors(string(text)), anchor):
		t.Errorf("%s links to %s#%s, which has no such heading", from, path, anchor)
	}
}

var (
	codeBlock = regexp.MustCompile("(?ms)^```.*?^```")
	heading   = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	linkText  = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)
)

func withoutCode(text string) string { return codeBlock.ReplaceAllString(text, "") }

// anchors lists the anchors that GitHub generates for the headings of a Markdown text.
func anchors(text string) (all []string) {
	for _, m := range heading.FindAllStringSubmatch(withoutCode(text), -1) {
		all = append(all, anchor(linkText.ReplaceAllString(m[1], "$1")))
	}
	return all
}

func anchor(heading string) string {
	keep := func(c rune) rune {
		switch {
		case c == ' ':
			return '-'
		case c == '-' || c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c):
			return c
		}
		return -1
	}
	return strings.Map(keep, strings.ToLower(heading))
}

var (
	required       = regexp.MustCompile(`(?m)^\t(\S+\.\S+) (v\S+)`)
	requiredDirect = regexp.MustCompile(`(?m)^\t(\S+\.\S+) (v\S+)$`)
)

// TestDependenciesAreExplained compares docs/design.md with go.mod: every module must have a reason, and
// the pinned version. Of the module that builds releases, only the direct requirements count.
func TestDependenciesAreExplained(t *testing.T) {
	design, err := os.ReadFile("docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	for path, pattern := range map[string]*regexp.Regexp{"go.mod": required, "packaging/dist/go.mod": requiredDirect} {
		mod, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pattern.FindAllStringSubmatch(string(mod), -1) {
			module, version := m[1], m[2][strings.LastIndexByte(m[2], '-')+1:] // the commit, for a version without a tag
			row := fmt.Sprintf("| %s | %s |", module, version)
			if text := string(design); !strings.Contains(text, row) && !strings.Contains(text, module+" (") {
				t.Errorf("docs/design.md does not have %q", row)
			}
		}
	}
}
