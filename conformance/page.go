package conformance

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

const markdownHead = `# Conformance

Each row is a statement of nginx's documentation and a script under ` + "`conformance/testdata/`" + ` that runs, unchanged, on weir and on real nginx:
on Debian's, on the newest, whose behaviour weir implements, and on Angie, which has ` + "`mqtt_preread`" + ` itself.
` + "`make conformance NGINX_BINS=\"PATH …\"`" + ` runs them on these programs and writes this page. The columns of other programs are
from an earlier run. [conformance/README.md](../conformance/README.md) explains how to read, run and write a script.

`

// WriteMarkdown prints the table as a documentation page.
func (r *Report) WriteMarkdown(w io.Writer) {
	fmt.Fprint(w, markdownHead)
	for _, sub := range r.subjects {
		fmt.Fprintf(w, "- %s\n", r.Total(sub))
	}
	r.byPage(func(page string) {
		fmt.Fprintf(w, "\n## [%s](%s)\n\n| statement | script | %s |\n|---|---|%s\n",
			page, link(page), strings.Join(r.subjects, " | "), strings.Repeat("---|", len(r.subjects)))
	}, func(s *Script) {
		fmt.Fprintf(w, "| %s ([documentation](%s)) | [%s](%s) |", strings.ReplaceAll(s.Statement, "|", `\|`), link(s.Page), s.Name, scriptLink(s.Name))
		for _, sub := range r.subjects {
			fmt.Fprintf(w, " %s |", r.of(sub, s.Name))
		}
		fmt.Fprintln(w)
	})
}

// link returns the address of a page: in nginx's documentation unless the page is a full address.
func link(page string) string {
	if strings.HasPrefix(page, "https://") {
		return page
	}
	return "https://nginx.org/en/docs/" + page
}

// scriptLink returns the path of a script relative to the page.
func scriptLink(name string) string { return "../conformance/testdata/" + name + ".txtar" }

var (
	headRow   = regexp.MustCompile(`^\| statement \| script \| (.*) \|$`)
	scriptRow = regexp.MustCompile(`^\| .* \| \[([^]]+)\]\([^)]*\) \| (.*) \|$`)
)

// Keep adds the columns of a page written by WriteMarkdown for subjects that are not in the report.
// The page's columns keep their order, with new ones after them.
func (r *Report) Keep(page string) {
	var columns []string
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		if head := headRow.FindStringSubmatch(line); head != nil {
			columns = strings.Split(head[1], " | ")
			continue
		}
		row := scriptRow.FindStringSubmatch(line)
		if row == nil {
			continue
		}
		for i, cell := range strings.Split(row[2], " | ") {
			if i < len(columns) && !slices.Contains(r.subjects, columns[i]) {
				r.Set(columns[i], row[1], Outcome(strings.TrimSpace(cell)))
			}
		}
	}
	r.mergeColumns(columns)
}

// mergeColumns puts the columns of the page first.
func (r *Report) mergeColumns(columns []string) {
	merged := slices.Clone(columns)
	for _, sub := range r.subjects {
		if !slices.Contains(merged, sub) {
			merged = append(merged, sub)
		}
	}
	r.subjects = merged
}
