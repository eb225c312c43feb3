//go:build linux

package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"text/template"
)

//go:embed tables.md
var tablesText string

var tablesDocument = template.Must(template.New("tables").Parse(tablesText))

// tableFigures are the rows of a table in the document.
var tableFigures = []figure{
	{key: "t_wall_ms", title: "`-t`: time, ms", targets: below(1, 0)},
	{key: "t_cpu_ms", title: "`-t`: CPU ms", targets: below(1, 0)},
	{key: "empty_wall_ms", title: "`-t` with an empty table: time, ms", lone: true},
	{key: "empty_cpu_ms", title: "`-t` with an empty table: CPU ms", lone: true},
	{key: "start_ms", title: "start to first answer, ms", targets: below(1, 0)},
	{key: "reload_ms", title: "SIGHUP to first answer from the new table, ms", targets: below(1, 0)},
	{key: "pss_mib", title: "memory at rest after the start (PSS of all processes), MiB", targets: below(1, 0)},
	{key: "peak_pss_mib", title: "peak of the largest process at the start (VmHWM), MiB", targets: below(1, 0)},
	{key: "reloaded_mib", title: "memory at rest after a reload (PSS of all processes), MiB", targets: below(1, 0)},
	{key: "peak_reloaded_mib", title: "peak of the largest process with a reload (VmHWM), MiB", targets: below(1, 0)},
	{key: "large_us", title: "a session that is answered from the table: CPU µs", targets: below(1, 0)},
	{key: "few_us", title: "the same with a table of two entries: CPU µs"},
	{key: "lookup_us", title: "the difference, µs", lone: true},
	{key: "go_ns", title: "a lookup alone by Go's benchmark, ns", lone: true},
}

// compareTables measures nginx and weir with large tables.
func compareTables(ctx context.Context, o *options, progress io.Writer) (*report, error) {
	var notes notes
	if o.system {
		defer prepareSystem(&notes)()
	}
	noteLoad(&notes)
	dir, err := os.MkdirTemp("", "weir-tables-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	subjects, err := findSubjects(ctx, []string{"nginx", "weir"}, dir, &notes)
	if err != nil {
		return nil, err
	}
	r := newReport(o, subjects, []variant{{}})
	r.tests = nil
	for _, k := range tableKinds {
		t := test{name: k.name, about: k.about, figures: tableFigures}
		r.tests = append(r.tests, t)
		if err := o.tableRounds(ctx, k, t, dir, subjects, r, progress); err != nil {
			return nil, err
		}
	}
	r.Notes = append(notes, r.Notes...)
	return r, nil
}

// tableRounds measures one kind of table round by round, in each with another subject first.
func (o *options) tableRounds(
	ctx context.Context, k tableKind, t test, dir string, subjects []*subject, r *report, progress io.Writer,
) error {
	large := k.make(k.entries / o.scale.tableParts)
	asks := k.ask(large)
	for round := range o.rounds {
		fmt.Fprintf(progress, "round %d of %d: %s\n", round+1, o.rounds, k.name)
		for i := range subjects {
			one := &tableTrial{subject: subjects[(i+round)%len(subjects)], kind: k, scale: o.scale, dir: dir, large: large, asks: asks}
			err := one.run(ctx)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				r.fail(round+1, t, one.subject, variant{}, err)
				continue
			}
			r.Samples = append(r.Samples, sample{Round: round + 1, Test: k.name, Subject: one.name, Values: one.values})
		}
	}
	r.addGoLookup(ctx, k.name, o.scale.goBenchTime)
	return nil
}

// addGoLookup adds the result of weir's Go benchmark, or a note that it failed.
func (r *report) addGoLookup(ctx context.Context, kind, benchTime string) {
	ns, err := goLookup(ctx, kind, benchTime)
	if err != nil {
		r.Notes.add("Go's benchmark of %s gave no figure: %s", kind, oneLine(err))
		return
	}
	r.Samples = append(r.Samples, sample{Round: 1, Test: kind, Subject: "weir", Values: map[string]float64{"go_ns": ns}})
}

// A tableSection is the part of the document about one kind of table.
type tableSection struct {
	Name, About string
	Entries     int
	Settings    []string
	Table       table
}

// writeTables writes the report on tables as a Markdown document to the file.
func (r *report) writeTables(path string) error {
	var sections []tableSection
	for i, k := range tableKinds {
		one := *r
		one.tests = r.tests[i : i+1]
		sections = append(sections, tableSection{k.name, k.about, k.entries, k.settings, one.comparison()})
	}
	var b bytes.Buffer
	err := tablesDocument.Execute(&b, map[string]any{
		"Rounds": r.Rounds, "Machine": r.Machine, "Date": r.Date, "Versions": r.Versions, "Subjects": r.subjects, "Notes": r.Notes,
		"Sections": sections,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}
