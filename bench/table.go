//go:build linux

package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A table is a Markdown table.
type table struct {
	head []string
	rows [][]string
}

func (t table) String() string {
	var b strings.Builder
	t.line(&b, t.head)
	t.line(&b, append([]string{"---"}, slices.Repeat([]string{"---:"}, len(t.head)-1)...))
	for _, row := range t.rows {
		t.line(&b, row)
	}
	return b.String()
}

func (t table) line(b *strings.Builder, cells []string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

// rivals returns the subjects that weir is compared with; none if weir was not measured.
func (r *report) rivals() []string {
	if !slices.Contains(r.subjects, "weir") {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.subjects), func(s string) bool { return s == "weir" || s == "direct" })
}

// comparison returns the table of the empty case.
func (r *report) comparison() table {
	t := table{head: append([]string{"figure"}, r.subjects...)}
	for _, rival := range r.rivals() {
		t.head = append(t.head, "weir / "+rival)
	}
	for _, test := range r.tests {
		for _, f := range test.figures {
			t.rows = append(t.rows, r.row(test, f))
		}
	}
	return t
}

func (r *report) row(t test, f figure) []string {
	cells := []string{f.title}
	for _, s := range r.subjects {
		cells = append(cells, number(r.median(t, f, s, variant{})))
	}
	for _, rival := range r.rivals() {
		cells = append(cells, r.ratio(t, f, rival))
	}
	return cells
}

// ratio returns weir's figure as a fraction of a rival's, and whether it meets the target.
func (r *report) ratio(t test, f figure, rival string) string {
	mine, ok := r.median(t, f, "weir", variant{})
	other, has := r.median(t, f, rival, variant{})
	if !ok || !has || other == 0 || f.lone {
		return none
	}
	return judged(mine/other, f.targets[rival])
}

// judged formats a ratio with its target; 0 means no target.
func judged(ratio, target float64) string {
	switch {
	case target == 0:
		return fmt.Sprintf("%.2f", ratio)
	case ratio <= target:
		return fmt.Sprintf("%.2f (≤ %.2f)", ratio, target)
	}
	return fmt.Sprintf("**%.2f** (≤ %.2f: missed)", ratio, target)
}

// growthTarget is the maximum growth of the cost of an operation in a growth case.
const growthTarget = 1.10

// growth returns the table of one growth case: CPU per operation, before and after.
func (r *report) growth(v variant) table {
	t := table{head: []string{"figure"}}
	for _, s := range r.subjects {
		if s != "direct" {
			t.head = append(t.head, s)
		}
	}
	for _, test := range r.tests {
		if test.grows {
			t.rows = append(t.rows, r.growthRow(test, v, t.head[1:]))
		}
	}
	return t
}

func (r *report) growthRow(t test, v variant, subjects []string) []string {
	f := t.figures[0]
	cells := []string{f.title}
	for _, s := range subjects {
		cells = append(cells, r.grown(t, f, s, v))
	}
	return cells
}

// grown formats a figure in the empty case and in v, and their ratio. Only weir has a target.
func (r *report) grown(t test, f figure, subject string, v variant) string {
	before, ok := r.median(t, f, subject, variant{})
	after, has := r.median(t, f, subject, v)
	if !ok || !has || before == 0 {
		return none
	}
	target := 0.0
	if subject == "weir" {
		target = growthTarget
	}
	return fmt.Sprintf("%s → %s, %s", number(before, true), number(after, true), judged(after/before, target))
}

// none marks a missing figure.
const none = "–"

// number formats a figure with three significant digits, and all digits before the point.
func number(v float64, ok bool) string {
	if !ok {
		return none
	}
	if v == 0 {
		return "0"
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	return strconv.FormatFloat(v, 'f', max(digits, 0), 64)
}

// print writes the tables and the notes.
func (r *report) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintln(&b, r.comparison())
	for _, v := range r.variants[1:] {
		fmt.Fprintf(&b, "%s:\n\n%s\n", v.name(), r.growth(v))
	}
	for _, s := range r.subjects {
		fmt.Fprintf(&b, "%s: %s\n", s, r.Versions[s])
	}
	fmt.Fprintln(&b, r.Machine)
	for _, n := range r.Notes {
		fmt.Fprintln(&b, "note:", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
