package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

const pageHead = `# Agreement

Written by ` + "`make agreement NGINX_BIN=PATH`" + `, which shows thousands of configurations, most of them wrong, to weir and to one nginx, and
compares **all** that ` + "`-t`" + ` prints, line by line, and how it ends. Each run writes the section of its nginx; the newest is the one that weir
is to be like. The configurations are made from the list of documented directives: every directive that this nginx has, in every
context, with 0 to 4 arguments; those that weir serves with words of every kind at every place of their syntax, and in pairs; blocks
with wrong lines; damaged texts; whole configurations at random.
`

// sectionMark begins the section of a program.
const sectionMark = "\n## "

// writePage writes the report as a section of a documentation page and replaces an earlier section
// about the same program.
func (r *report) writePage(path string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(r.mergedPage(string(old))), 0o644)
}

// mergedPage returns a page with this report's section, and with the other sections of the old page
// in their order.
func (r *report) mergedPage(old string) string {
	var b strings.Builder
	b.WriteString(pageHead)
	written := false
	for _, section := range strings.Split(old, sectionMark)[1:] {
		if !strings.HasPrefix(section, r.program+"\n") {
			b.WriteString(sectionMark + section)
			continue
		}
		written = true
		b.WriteString(sectionMark + r.section())
	}
	if !written {
		b.WriteString(sectionMark + r.section())
	}
	return b.String()
}

// section returns the text about the program, beginning with its name.
func (r *report) section() string {
	var b bytes.Buffer
	n := r.total
	shown := fmt.Sprint(len(r.results))
	if len(r.results) < r.made {
		shown += fmt.Sprintf(" of %d", r.made)
	}
	fmt.Fprintf(&b, `%s

Of %s configurations both judge %d by the same rules, and agree in **%s** of them: in %d. %d differ without a reason. In %d more
weir differs on purpose; if they counted as disagreement, the share would be %s, which is the one in the table. In %d more weir
follows the rules of a later nginx, or of another edition, which this one cannot confirm; %d stop where weir reports that it does not
serve something.

`, r.program, shown, n[agrees]+n[differs], share(n[agrees], n[agrees]+n[differs]), n[agrees], n[differs], n[purpose], n.share(),
		n[newer], n[refused])
	r.writePages(&b)
	r.writeReasons(&b, "On purpose", "[differences.md](differences.md) has the reasons in full.", purpose)
	r.writeReasons(&b, "Of a later nginx, or of another edition", "These are left out of the share.", newer)
	r.writeOpen(&b)
	return b.String()
}

func (r *report) writePages(w io.Writer) {
	fmt.Fprintf(w, "| page | configurations | agree | on purpose | differ | later nginx | not served | agreement |\n")
	fmt.Fprintf(w, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, page := range r.pages {
		n := *r.counts[page]
		fmt.Fprintf(w, "| %s | %d | %d | %d | %d | %d | %d | %s |\n", strings.TrimSuffix(page, ".html"),
			n.judged()+n[newer]+n[refused], n[agrees], n[purpose], n[differs], n[newer], n[refused], n.share())
	}
}

// writeReasons writes how often each reason of a class occurred.
func (r *report) writeReasons(w io.Writer, head, about string, c class) {
	counts := map[string]int{}
	var reasons []string
	for _, one := range r.results {
		if one.outcome.class != c {
			continue
		}
		if counts[one.outcome.reason]++; counts[one.outcome.reason] == 1 {
			reasons = append(reasons, one.outcome.reason)
		}
	}
	if len(reasons) == 0 {
		return
	}
	slices.SortFunc(reasons, func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	fmt.Fprintf(w, "\n### %s\n\n%s\n\n| configurations | reason |\n| ---: | --- |\n", head, about)
	for _, reason := range reasons {
		fmt.Fprintf(w, "| %d | %s |\n", counts[reason], reason)
	}
}

// writeOpen lists every difference without a reason: the trial, and the first line that differs.
func (r *report) writeOpen(w io.Writer) {
	open := r.differences()
	if len(open) == 0 {
		fmt.Fprintf(w, "\nThere is no difference without a reason.\n")
		return
	}
	fmt.Fprintf(w, "\n### Without a reason\n\n| tried | weir says | nginx says |\n| --- | --- | --- |\n")
	for _, one := range open {
		weir, nginx := one.firstDifference()
		fmt.Fprintf(w, "| %s | %s | %s |\n", cell(one.name), cell(weir), cell(nginx))
	}
}

// firstDifference returns the first lines that differ.
func (r *result) firstDifference() (weir, nginx string) {
	a, b := strings.Split(r.weir.String(), "\n"), strings.Split(r.nginx.String(), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i], b[i]
		}
	}
	return fmt.Sprintf("%d lines", len(a)), fmt.Sprintf("%d lines", len(b))
}

// cell returns text escaped for a table cell.
func cell(text string) string {
	const longest = 200
	if len(text) > longest {
		text = text[:longest] + "..."
	}
	return "`` " + strings.NewReplacer("|", `\|`, "``", "` `").Replace(strings.ToValidUTF8(strings.Trim(fmt.Sprintf("%q", text), `"`), "?")) + " ``"
}
