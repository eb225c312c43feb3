package weir_test

import (
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// turns are turns of phrase that plain technical English does without, each with what to write instead. A few are right in their
// place, so that a number of each is allowed.
var turns = []struct {
	name, instead string
	pattern       *regexp.Regexp
}{
	{"what as a noun", "name the thing", regexp.MustCompile(`\b[Ww]hat (is|was|are|were|has|had|they|it|comes?|came|can|cannot|follows|stands|others?)\b`)},
	{"to say or tell", "returns, reports, logs, means", regexp.MustCompile(`\b([Ss]ays?|said|[Tt]ells?|told|speaks?|spoken)\b`)},
	{"to hold that", "tests, checks, contains", regexp.MustCompile(`\b[Hh]olds? (that|what|when|how|it|all|each)\b`)},
	{"nobody, whoever, somebody", "name the caller or the owner", regexp.MustCompile(`\b([Nn]obody|[Ww]hoever|[Ss]omebody)\b`)},
	{"to go on", "continues", regexp.MustCompile(`\b([Gg]oes|[Gg]o|[Gg]oing|went) on\b`)},
	{"behind", "after", regexp.MustCompile(`\b[Bb]ehind\b`)},
	{"to come to", "becomes, reaches", regexp.MustCompile(`\b([Cc]omes?|came|coming) to\b`)},
	{"anew, likewise, besides", "again, also", regexp.MustCompile(`\b([Aa]new|[Ll]ikewise|[Bb]esides|[Ll]est)\b`)},
	{"can not", "cannot", regexp.MustCompile(`\b[Cc]an not\b`)},
}

// turnsPerThousand is how many uses of one turn 1,000 lines of comments and Markdown may have.
const turnsPerThousand = 5

// TestPlainEnglish counts the turns in comments and Markdown, and names the places of one that is used too often.
func TestPlainEnglish(t *testing.T) {
	prose := proseLines(t)
	for _, turn := range turns {
		var places []string
		for _, p := range prose {
			for range turn.pattern.FindAllString(p.text, -1) {
				places = append(places, p.place+": "+strings.TrimSpace(p.text))
			}
		}
		if most := len(prose) * turnsPerThousand / 1000; len(places) > most {
			t.Errorf("%q is used %d times in %d lines, at most %d are allowed; write: %s\n\t%s",
				turn.name, len(places), len(prose), most, turn.instead, strings.Join(places, "\n\t"))
		}
	}
}

// generatedPages quote the statements of conformance scripts and lines of programs.
var generatedPages = []string{"docs/conformance.md", "docs/agreement.md"}

// A proseLine is a line of a comment or of a Markdown file.
type proseLine struct{ place, text string }

func proseLines(t *testing.T) (all []proseLine) {
	t.Helper()
	for _, path := range sources(t, ".go") {
		all = append(all, commentLines(t, path)...)
	}
	for _, path := range sources(t, ".md") {
		if !slices.Contains(generatedPages, path) {
			all = append(all, markdownLines(t, path)...)
		}
	}
	return all
}

func commentLines(t *testing.T, path string) (all []proseLine) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Comments {
		for _, c := range group.List {
			for line := range strings.Lines(c.Text) {
				all = append(all, proseLine{fset.Position(c.Pos()).String(), line})
			}
		}
	}
	return all
}

// markdownLines leaves out blocks of code, in which nginx's own sentences stand.
func markdownLines(t *testing.T, path string) (all []proseLine) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	code := false
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
			continue
		}
		if !code && strings.TrimSpace(line) != "" {
			all = append(all, proseLine{path, line})
		}
	}
	return all
}
