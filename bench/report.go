//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// A report contains every measurement of a run, and the information needed to read it.
type report struct {
	Date     time.Time         `json:"date"`
	Machine  machine           `json:"machine"`
	Versions map[string]string `json:"versions"` // by subject
	Notes    notes             `json:"notes,omitempty"`
	Rounds   int               `json:"rounds"`
	Samples  []sample          `json:"samples"`

	tests    []test
	subjects []string
	variants []variant
	failed   int // measurements
}

// A sample is the result of one run of one test, by the key of the figure.
type sample struct {
	Round   int                `json:"round"`
	Test    string             `json:"test"`
	Subject string             `json:"subject"`
	Variant string             `json:"variant,omitempty"`
	Values  map[string]float64 `json:"values"`
}

func newReport(o *options, subjects []*subject, variants []variant) *report {
	r := &report{
		Date: time.Now().UTC().Truncate(time.Second), Machine: thisMachine(), Versions: map[string]string{}, Rounds: o.rounds,
		tests: o.tests, variants: variants,
	}
	for _, s := range subjects {
		r.Versions[s.name] = s.version
		r.subjects = append(r.subjects, s.name)
	}
	return r
}

// fail notes a measurement that gave no figures.
func (r *report) fail(round int, t test, s *subject, v variant, err error) {
	r.failed++
	r.Notes.add("round %d of %s failed on %s: %s", round, strings.TrimSpace(t.name+" "+v.name()), s.name, oneLine(err))
}

// oneLine formats an error and the program's output as a note.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// median returns the median of a figure over the rounds; ok is false if there are no values.
func (r *report) median(t test, f figure, subject string, v variant) (value float64, ok bool) {
	var all []float64
	for _, s := range r.Samples {
		if s.Test != t.name || s.Subject != subject || s.Variant != v.name() {
			continue
		}
		if value, ok := s.Values[f.key]; ok {
			all = append(all, value)
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2, true
}

// deliver prints the tables, and writes the files that the options name.
func (o *options) deliver(r *report, out io.Writer) error {
	if err := r.print(out); err != nil {
		return err
	}
	if o.jsonFile != "" {
		if err := r.writeJSON(o.jsonFile); err != nil {
			return err
		}
	}
	if o.document != "" {
		write := r.writeDocument
		if o.tables {
			write = r.writeTables
		}
		if err := write(o.document); err != nil {
			return err
		}
	}
	if r.failed > 0 {
		return fmt.Errorf("%d measurements failed; the notes say which", r.failed)
	}
	return nil
}

func (r *report) writeJSON(path string) error {
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
