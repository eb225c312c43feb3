//go:build linux

package main

import (
	"bytes"
	_ "embed"
	"os"
	"text/template"
)

//go:embed document.md
var documentText string

var document = template.Must(template.New("document").Parse(documentText))

// A section is a growth case of the document.
type section struct {
	Title string
	Table table
}

// A named test is the document's description of a test.
type namedTest struct{ Name, About string }

// writeDocument writes the report as a Markdown document to the file.
func (r *report) writeDocument(path string) error {
	var b bytes.Buffer
	err := document.Execute(&b, map[string]any{
		"Rounds": r.Rounds, "Machine": r.Machine, "Date": r.Date, "Versions": r.Versions, "Subjects": r.subjects, "Notes": r.Notes,
		"Comparison": r.comparison(), "Tests": r.described(), "Growth": r.sections(),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

func (r *report) described() []namedTest {
	var all []namedTest
	for _, t := range r.tests {
		all = append(all, namedTest{t.name, t.about})
	}
	return all
}

func (r *report) sections() []section {
	var all []section
	for _, v := range r.variants[1:] {
		all = append(all, section{Title: "Growth: " + v.name(), Table: r.growth(v)})
	}
	return all
}
