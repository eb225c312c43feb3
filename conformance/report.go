package conformance

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// An Outcome is the result of a script on a subject.
type Outcome string

// The outcomes. NotRun is the zero value: the subject was missing or the script was filtered out. A
// reason may follow NotFor.
const (
	NotRun  Outcome = ""
	Passed  Outcome = "pass"
	Failed  Outcome = "FAIL"
	NotFor  Outcome = "n/a"
	Differs Outcome = "differs"
)

// because returns the outcome with its reason.
func (o Outcome) because(reason string) Outcome { return o + ": " + Outcome(reason) }

// kind returns the outcome without its reason.
func (o Outcome) kind() Outcome {
	kind, _, _ := strings.Cut(string(o), ":")
	return Outcome(kind)
}

// A Report collects outcomes for the table. Its methods may be called concurrently.
type Report struct {
	scripts  []*Script
	subjects []string

	mu       sync.Mutex
	outcomes map[[2]string]Outcome // by subject and script
}

// NewReport returns an empty report on the scripts, with a column for each subject.
func NewReport(scripts []*Script, subjects ...string) *Report {
	sorted := slices.Clone(scripts)
	slices.SortStableFunc(sorted, func(a, b *Script) int { return strings.Compare(a.page(), b.page()) })
	return &Report{scripts: sorted, subjects: subjects, outcomes: map[[2]string]Outcome{}}
}

// page returns the documentation page without the anchor.
func (s *Script) page() string {
	page, _, _ := strings.Cut(s.Page, "#")
	return page
}

// Set records the outcome of a script.
func (r *Report) Set(subject, script string, o Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcomes[[2]string{subject, script}] = o
}

func (r *Report) of(subject, script string) Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.outcomes[[2]string{subject, script}]
}

// WriteText prints the table for a terminal.
func (r *Report) WriteText(w io.Writer) {
	r.byPage(func(page string) {
		fmt.Fprintf(w, "\n%s\n", page)
	}, func(s *Script) {
		for _, sub := range r.subjects {
			fmt.Fprintf(w, "  %-5s %-8s", sub, r.of(sub, s.Name).kind())
		}
		fmt.Fprintf(w, " %-28s %s\n", s.Name, s.Statement)
	})
	fmt.Fprintln(w)
	for _, sub := range r.subjects {
		fmt.Fprintln(w, r.Total(sub))
	}
}

// Total returns a line with the number of each outcome of one subject.
func (r *Report) Total(subject string) string {
	counts := map[Outcome]int{}
	for _, s := range r.scripts {
		counts[r.of(subject, s.Name).kind()]++
	}
	return fmt.Sprintf("%s: %d scripts, %d passed, %d failed, %d known differences, %d not applicable, %d not run",
		subject, len(r.scripts), counts[Passed], counts[Failed], counts[Differs], counts[NotFor], counts[NotRun])
}

// byPage calls head before the first script of each page, and row for each script.
func (r *Report) byPage(head func(page string), row func(*Script)) {
	last := ""
	for _, s := range r.scripts {
		if page := s.page(); page != last {
			head(page)
			last = page
		}
		row(s)
	}
}
