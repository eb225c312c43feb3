//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// reportOf returns a report on the storm with these CPU times per session, by subject, one for each round.
func reportOf(cpu map[string][]float64, more ...sample) *report {
	r := &report{Rounds: 3, Versions: map[string]string{}, tests: catalogue[:1], subjects: []string{"nginx", "weir"}, variants: []variant{{}, {reloads: 100}}}
	for subject, all := range cpu {
		for i, v := range all {
			r.Samples = append(r.Samples, sample{Round: i + 1, Test: "storm", Subject: subject, Values: map[string]float64{"cpu_us": v}})
		}
	}
	r.Samples = append(r.Samples, more...)
	return r
}

func TestMedian(t *testing.T) {
	tests := []struct {
		name string
		all  []float64
		want float64
		ok   bool
	}{
		{"none", nil, 0, false},
		{"one", []float64{3}, 3, true},
		{"odd", []float64{9, 1, 2}, 2, true},
		{"even", []float64{9, 1, 2, 4}, 3, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := reportOf(map[string][]float64{"weir": tt.all})
			got, ok := r.median(catalogue[0], catalogue[0].figures[0], "weir", variant{})
			if got != tt.want || ok != tt.ok {
				t.Errorf("got %v, %v, want %v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestTablesJudgeRatios(t *testing.T) {
	grown := sample{Round: 1, Test: "storm", Subject: "weir", Variant: variant{reloads: 100}.name(), Values: map[string]float64{"cpu_us": 100}}
	r := reportOf(map[string][]float64{"nginx": {100, 90, 200}, "weir": {80, 79, 300}}, grown)
	got := r.comparison().String() + r.growth(r.variants[1]).String()
	for _, want := range []string{
		"| figure | nginx | weir | weir / nginx |\n",
		"| storm: CPU µs per session | 100 | 80.0 | 0.80 (≤ 0.90) |\n",
		"| storm: CONNACK, p50 µs | – | – | – |\n",
		"| storm: CPU µs per session | – | 80.0 → 100, **1.25** (≤ 1.10: missed) |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%swant a line %q", got, want)
		}
	}
}

func TestNumbersHaveThreeDigits(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.0412: "0.0412", 2.0: "2.00", 73.25: "73.2", 9966.4: "9966"} {
		if got := number(v, true); got != want {
			t.Errorf("number(%v): got %s, want %s", v, got, want)
		}
	}
}

func TestDocumentHasTablesAndNotes(t *testing.T) {
	r := reportOf(map[string][]float64{"nginx": {100}, "weir": {80}})
	r.Notes.add("it rained")
	path := filepath.Join(t.TempDir(), "performance.md")
	if err := r.writeDocument(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## The comparison", "## Growth: after 100 reloads", "- it rained\n", "- **storm**: connect"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("got\n%s\nwant %q in it", b, want)
		}
	}
}
