//go:build linux

package main

import (
	"encoding/json"
	"io"
	"os"
	"slices"
	"time"
)

// A report has every measurement of a run, and what is needed to read it.
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
}

// A sample is what one run of one test gave, by the key of the figure.
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

// median returns the median of a figure over the rounds; ok is false when there is none.
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
		b, err := json.MarshalIndent(r, "", "\t")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.jsonFile, append(b, '\n'), 0o644); err != nil {
			return err
		}
	}
	if o.document == "" {
		return nil
	}
	return r.writeDocument(o.document)
}
