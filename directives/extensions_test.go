package directives

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"weir/directives/conf"
)

const extensionsPath = "../docs/extensions.md"

// TestExtensionsAreDocumented checks that docs/extensions.md has a section for each directive and
// parameter of weir's own, and for each directive of nginx's commercial edition that weir supports.
func TestExtensionsAreDocumented(t *testing.T) {
	sections := extensionSections(t)
	for name, row := range explained(t) {
		s, ok := sections[name]
		if !ok {
			t.Errorf("%s has no section \"### `%s`\"", extensionsPath, name)
			continue
		}
		if got, want := s.facts["Context"], strings.Join(contextNames(row), ", "); got != want {
			t.Errorf("%s: the context of %s is %q, want %q", extensionsPath, name, got, want)
		}
	}
	for name, s := range sections {
		for _, fact := range []string{"Syntax", "Default", "Context", "Since"} {
			if s.facts[fact] == "" {
				t.Errorf("%s: the section %s has no %s", extensionsPath, name, fact)
			}
		}
		if !strings.Contains(s.text, "```nginx\n") && !strings.Contains(s.text, "\n    ") {
			t.Errorf("%s: the section %s has no example", extensionsPath, name)
		}
	}
}

// explained returns the rows that need a section, by the title of the section.
func explained(t *testing.T) map[string][]*conf.Row {
	t.Helper()
	all := map[string][]*conf.Row{}
	for _, r := range conf.Rows(modules) {
		if r.Extension {
			all[r.Name] = append(all[r.Name], r)
		}
		for _, parameter := range r.Own {
			title := r.Name + " … " + parameter
			all[title] = append(all[title], r)
		}
	}
	for _, d := range listing(t) {
		rows := rowsOf(d)
		if d.commercial == "yes" && slices.ContainsFunc(rows, func(r *conf.Row) bool { return r.Support == conf.Full }) {
			all[d.name] = append(all[d.name], rows...)
		}
	}
	return all
}

// section is one section of the page: its text, and the rows of its first table.
type section struct {
	text  string
	facts map[string]string
}

var (
	sectionTitle = regexp.MustCompile("(?m)^### `(.+)`$")
	fact         = regexp.MustCompile(`(?m)^\| (\w+) \| (.+) \|$`)
)

func extensionSections(t *testing.T) map[string]section {
	t.Helper()
	text, err := os.ReadFile(extensionsPath)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	titles := sectionTitle.FindAllStringSubmatchIndex(page, -1)
	all := map[string]section{}
	for i, at := range titles {
		end := len(page)
		if i+1 < len(titles) {
			end = titles[i+1][0]
		}
		s := section{page[at[1]:end], map[string]string{}}
		for _, m := range fact.FindAllStringSubmatch(s.text, -1) {
			if s.facts[m[1]] == "" {
				s.facts[m[1]] = m[2]
			}
		}
		all[page[at[2]:at[3]]] = s
	}
	return all
}
