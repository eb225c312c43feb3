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
	{"behind", "after", regexp.MustCompile(`\b([Ww]hat|[Ss]tands?|[Cc]omes?|[Gg]oes|[Ww]ord|[Bb]ytes|[Ll]ines?) (is |are )?behind\b|\b[Bb]ehind (its|their|them|the|a|an|each)\b`)},
	{"to come to", "becomes, reaches", regexp.MustCompile(`\b([Cc]omes?|came|coming) to\b`)},
	{"anew, likewise, besides", "again, also", regexp.MustCompile(`\b([Aa]new|[Ll]ikewise|[Bb]esides|[Ll]est)\b`)},
}

// turnsPerThousand is how many uses of one turn 1,000 lines of one kind of prose may have.
const turnsPerThousand = 5

// TestPlainEnglish counts the turns in each kind of prose, and reports the places of one that is used too often.
func TestPlainEnglish(t *testing.T) {
	for kind, prose := range proseLines(t) {
		for _, turn := range turns {
			places := placesOf(prose, turn.pattern)
			if most := len(prose) * turnsPerThousand / 1000; len(places) > most {
				t.Errorf("%s: %q is used %d times in %d lines, at most %d are allowed; write: %s\n\t%s",
					kind, turn.name, len(places), len(prose), most, turn.instead, strings.Join(places, "\n\t"))
			}
		}
	}
}

// synonyms are words that have one plain replacement: a word of the glossary, or the usual spelling.
// nginx's messages, which may have them, are in strings and in code.
var synonyms = []struct {
	word, instead string
	pattern       *regexp.Regexp
}{
	{"backend", "server, broker or peer", regexp.MustCompile(`\b[Bb]ackends?\b`)},
	{"downstream", "client", regexp.MustCompile(`\b[Dd]ownstreams?\b`)},
	{"virtual server", "server", regexp.MustCompile(`\b[Vv]irtual servers?\b`)},
	{"DNS server", "name server", regexp.MustCompile(`\bDNS servers?\b`)},
	{"client id", "client identifier", regexp.MustCompile(`\b[Cc]lient ids?\b`)},
	{"hot reload, config reload", "reload", regexp.MustCompile(`\b([Hh]ot|[Cc]onfig) reloads?\b`)},
	{"broker node", "broker", regexp.MustCompile(`\b[Bb]roker nodes?\b`)},
	{"obey", "handle, apply", regexp.MustCompile(`\b[Oo]bey(s|ed|ing)?\b`)},
	{"time-out", "timeout", regexp.MustCompile(`\b[Tt]ime-outs?\b`)},
	{"can not", "cannot", regexp.MustCompile(`\b[Cc]an not\b`)},
}

// TestSynonyms checks that each thing has one name.
func TestSynonyms(t *testing.T) {
	for kind, prose := range proseLines(t) {
		for _, s := range synonyms {
			for _, place := range placesOf(prose, s.pattern) {
				t.Errorf("%s: instead of %q write %s: %s", kind, s.word, s.instead, place)
			}
		}
	}
}

// placesOf returns each match of pattern with its line.
func placesOf(prose []proseLine, pattern *regexp.Regexp) (places []string) {
	for _, p := range prose {
		for range pattern.FindAllString(p.text, -1) {
			places = append(places, p.place+": "+strings.TrimSpace(p.text))
		}
	}
	return places
}

// generatedPages quote the statements of conformance scripts and lines of programs.
var generatedPages = []string{"docs/conformance.md", "docs/agreement.md"}

// A proseLine is a line of a comment or of a Markdown file.
type proseLine struct{ place, text string }

// proseLines returns the prose of the repository by its kind.
func proseLines(t *testing.T) map[string][]proseLine {
	t.Helper()
	all := map[string][]proseLine{}
	for _, path := range sources(t, ".go") {
		kind := "comments"
		if strings.HasSuffix(path, "_test.go") {
			kind = "comments of tests"
		}
		all[kind] = append(all[kind], commentLines(t, path)...)
	}
	for _, path := range sources(t, ".md") {
		if !slices.Contains(generatedPages, path) {
			all["Markdown"] = append(all["Markdown"], markdownLines(t, path)...)
		}
	}
	for _, path := range sources(t, ".txtar") {
		all["comments of scripts"] = append(all["comments of scripts"], scriptLines(t, path)...)
	}
	return all
}

// scriptLines returns the comments before the files of a script of conformance: its statement, and notes between commands. Golden
// files of other packages have none.
func scriptLines(t *testing.T, path string) (all []proseLine) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "-- ") {
			break
		}
		if comment, ok := strings.CutPrefix(line, "#"); ok {
			all = append(all, proseLine{path, comment})
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
